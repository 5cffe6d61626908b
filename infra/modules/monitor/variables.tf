variable "name" {
  description = "Name of the function and of the repository."
  type        = string
}

variable "failed_queue" {
  description = "Name of the queue of runs that failed."
  type        = string
}

variable "image" {
  description = "Image URI; null while there is none."
  type        = string
}

variable "account_id" {
  description = "Account the scheduler's role may be used for."
  type        = string
}

variable "region" {
  description = "Region, for the service names in key conditions."
  type        = string
}

variable "arn_prefixes" {
  description = "What comes before the name in ARNs of this account and region."
  type = object({
    function  = string
    log_group = string
    queue     = string
  })
}

variable "kms_key_arn" {
  description = "Key everything is encrypted with."
  type        = string
}

variable "architecture" {
  description = "Processor the image is built for."
  type        = string
}

variable "memory_mb" {
  description = "Memory in MB."
  type        = number
}

variable "timeout_seconds" {
  description = "Time one invocation may take."
  type        = number
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
}

variable "force_destroy" {
  description = "Remove the repository with its images."
  type        = bool
}

variable "artifact_bucket_arn" {
  description = "Bucket that holds the models."
  type        = string
}

variable "models_prefix" {
  description = "Prefix of the models."
  type        = string
}

variable "model_name" {
  description = "Name of the registered model."
  type        = string
}

variable "lake_bucket_arn" {
  description = "The lake."
  type        = string
}

variable "layout" {
  description = "Prefixes, from contract/layout.json."
  type = object({
    predictions    = string
    rejected       = string
    ground_truth   = string
    failed         = string
    reports        = string
    profiles       = string
    alerts         = string
    athena_results = string
  })
}

variable "schedule" {
  description = "When the function runs, in UTC."
  type        = string
}

variable "alert_topic_arn" {
  description = "Topic the alerts go to."
  type        = string
}

variable "athena_workgroup_arn" {
  description = "Workgroup the queries run in."
  type        = string
}

variable "glue_catalog_arn" {
  description = "The account's Glue catalog."
  type        = string
}

variable "glue_database_arn" {
  description = "Database the queries read."
  type        = string
}

variable "predictions_table_arn" {
  description = "Table the queries read."
  type        = string
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}
