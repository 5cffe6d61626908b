variable "name" {
  description = "Name of the function and of the repository."
  type        = string
}

variable "failed_queue" {
  description = "Name of the queue of failed runs."
  type        = string
}

variable "more_functions" {
  description = "Names, or patterns of names, of the other functions that run the same image."
  type        = list(string)
}

variable "role_names" {
  description = "Names of the roles of the function and of its schedule."
  type = object({
    function = string
    schedule = string
  })
}

variable "role_settings" {
  description = "Path and permissions boundary of every role; null for no boundary."
  type = object({
    path                 = string
    permissions_boundary = string
  })
}

variable "image" {
  description = "Image URI; null if there is none."
  type        = string
}

variable "account_id" {
  description = "Account that may use the scheduler's role."
  type        = string
}

variable "repository" {
  description = "Create a repository for the image."
  type        = bool
}

variable "region" {
  description = "Region in the service names of key conditions."
  type        = string
}

variable "arn_prefixes" {
  description = "ARN prefixes of this account and region, by resource type."
  type = object({
    function  = string
    log_group = string
    queue     = string
  })
}

variable "kms_key_arn" {
  description = "ARN of the encryption key."
  type        = string
}

variable "architecture" {
  description = "Processor architecture of the image."
  type        = string
}

variable "memory_mb" {
  description = "Memory in MB."
  type        = number
}

variable "reserved_concurrency" {
  description = "Reserved and maximum concurrency; null for none."
  type        = number
}

variable "timeout_seconds" {
  description = "Timeout of one invocation in seconds."
  type        = number
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)
}

variable "log_retention_days" {
  description = "Retention of the logs in days."
  type        = number
}

variable "force_destroy" {
  description = "Let terraform destroy delete the repository if it is not empty."
  type        = bool
}

variable "artifact_bucket_arn" {
  description = "ARN of the bucket that holds the models."
  type        = string
}

variable "models_prefix" {
  description = "Prefix of the models in the artifact bucket."
  type        = string
}

variable "model_name" {
  description = "Name of the registered model."
  type        = string
}

variable "lake_bucket_arn" {
  description = "ARN of the lake bucket."
  type        = string
}

variable "layout" {
  description = "Prefixes of the lake bucket, from contract/layout.json."
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
  description = "Schedule of the function in UTC."
  type        = string
}

variable "alert_topic_arn" {
  description = "ARN of the topic that receives the alerts."
  type        = string
}

variable "athena" {
  description = "Grant the rights for queries by Athena."
  type        = bool
}

variable "athena_workgroup_arn" {
  description = "ARN of the workgroup that runs the queries."
  type        = string
}

variable "glue_catalog_arn" {
  description = "ARN of the account's Glue catalog."
  type        = string
}

variable "glue_database_arn" {
  description = "ARN of the database that the queries read."
  type        = string
}

variable "predictions_table_arn" {
  description = "ARN of the table that the queries read."
  type        = string
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}

variable "alert_topic_key_arn" {
  description = "ARN of the key that encrypts the topic; null for none."
  type        = string
  default     = null
}

variable "vpc" {
  description = "Subnets and security groups of the function, and what their ARNs start with; null for no VPC."
  type = object({
    subnet_ids          = list(string)
    security_group_ids  = list(string)
    interface_arns      = string
    function_arn_prefix = string
  })
  default = null
}
