variable "arn_prefixes" {
  description = "What comes before the name in ARNs of this account and region."
  type = object({
    bucket    = string
    log_group = string
  })
}

variable "account_id" {
  description = "Account the roles may be used for."
  type        = string
}

variable "region" {
  description = "Region, for the service names in key conditions."
  type        = string
}

variable "artifact_bucket" {
  description = "Name of the bucket that holds the models."
  type        = string
}

variable "lake_bucket" {
  description = "Name of the bucket that holds everything that came of them."
  type        = string
}

variable "layout" {
  description = "Prefixes and partitions, from contract/layout.json."
  type = object({
    predictions     = string
    rejected        = string
    ground_truth    = string
    failed          = string
    profiles        = string
    reports         = string
    delivery_errors = string
    athena_results  = string
    partition       = list(string)
  })

  validation {
    condition = join("/", [for part in var.layout.partition : split("=", part)[0]]) == "year/month/day/hour" && alltrue([
      for part in var.layout.partition : contains(["%Y", "%m", "%d", "%H"], split("=", part)[1])
    ])
    error_message = "layout.partition must be year=%Y, month=%m, day=%d, hour=%H: delivery.tf and query.tf know no others."
  }
}

variable "delivery_names" {
  description = "Names of the delivery streams."
  type = object({
    predictions  = string
    rejected     = string
    ground_truth = string
  })
}

variable "output_stream_arn" {
  description = "Stream the predictions are delivered from."
  type        = string
}

variable "kms_key_arn" {
  description = "Key everything is encrypted with."
  type        = string
}

variable "interval_seconds" {
  description = "Longest time an event waits for its object."
  type        = number
}

variable "size_mb" {
  description = "Size at which an object is written before its time."
  type        = number
}

variable "expiration_days" {
  description = "Days after which events are removed; null keeps them."
  type        = number
}

variable "infrequent_access_days" {
  description = "Days after which predictions move to the infrequent access class; null leaves them."
  type        = number
}

variable "access_log_bucket" {
  description = "Bucket that takes the buckets' access logs; null for none."
  type        = string
}

variable "noncurrent_version_days" {
  description = "Days for which replaced or deleted objects are kept."
  type        = number
}

variable "force_destroy" {
  description = "Remove buckets and the workgroup with what they hold."
  type        = bool
}

variable "log_group_prefix" {
  description = "Start of the delivery streams' log group names."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
}

variable "glue_database" {
  description = "Name of the Glue database."
  type        = string
}

variable "predictions_table" {
  description = "Name of the table over the predictions."
  type        = string
}

variable "id_column" {
  description = "Column of the record's id in the table over the predictions; null for none."
  type        = string
}

variable "athena_workgroup" {
  description = "Name of the Athena workgroup."
  type        = string
}

variable "athena_scan_limit_gb" {
  description = "Most one query may read, in GB."
  type        = number
}
