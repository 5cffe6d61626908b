variable "arn_prefixes" {
  description = "ARN prefixes of this account and region, by resource type."
  type = object({
    bucket    = string
    log_group = string
  })
}

variable "account_id" {
  description = "Account that may use the roles."
  type        = string
}

variable "region" {
  description = "Region in the service names of key conditions."
  type        = string
}

variable "artifact_bucket" {
  description = "Name of the bucket that holds the models."
  type        = string
}

variable "lake_bucket" {
  description = "Name of the bucket that holds predictions, ground truth, reports and alerts."
  type        = string
}

variable "layout" {
  description = "Prefixes and partitions, from contract/layout.json."
  type = object({
    predictions     = string
    rejected        = string
    ground_truth    = string
    shadow          = string
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
    error_message = "layout.partition must be year=%Y, month=%m, day=%d, hour=%H: delivery.tf and query.tf support no others."
  }
}

variable "delivery_names" {
  description = "Names of the delivery streams."
  type = object({
    predictions  = string
    rejected     = string
    ground_truth = string
    shadow       = string
  })
}

variable "role_names" {
  description = "Names of the deliveries' roles."
  type = object({
    predictions  = string
    rejected     = string
    ground_truth = string
    shadow       = string
  })
}

variable "role_settings" {
  description = "Path and permissions boundary of every role; null for no boundary."
  type = object({
    path                 = string
    permissions_boundary = string
  })
}

variable "output_stream_arn" {
  description = "ARN of the stream that carries the predictions."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the encryption key."
  type        = string
}

variable "interval_seconds" {
  description = "Longest time in seconds before Firehose writes a buffered event."
  type        = number
}

variable "size_mb" {
  description = "Buffer size in MB at which Firehose writes an object early."
  type        = number
}

variable "expiration_days" {
  description = "Days after which objects that hold records are deleted; null keeps them."
  type        = number
}

variable "infrequent_access_days" {
  description = "Days after which predictions move to the infrequent access class; null for never."
  type        = number
}

variable "access_log_bucket" {
  description = "Bucket that receives the buckets' access logs; null for none."
  type        = string
}

variable "noncurrent_version_days" {
  description = "Days for which replaced or deleted objects are kept."
  type        = number
}

variable "force_destroy" {
  description = "Let terraform destroy delete buckets and the workgroup if they are not empty."
  type        = bool
}

variable "log_group_prefix" {
  description = "Prefix of the delivery streams' log group names."
  type        = string
}

variable "log_retention_days" {
  description = "Retention of the logs in days."
  type        = number
}

variable "athena" {
  description = "Create the table of predictions and the workgroup."
  type        = bool
}

variable "delivery_encryption" {
  description = "Key of the buffers of deliveries with direct puts: stack_key, aws_owned_key, or none."
  type        = string
}

variable "glue_database" {
  description = "Name of the Glue database."
  type        = string
}

variable "predictions_table" {
  description = "Name of the predictions table."
  type        = string
}

variable "id_column" {
  description = "Id column of the predictions table; null for none."
  type        = string
}

variable "athena_workgroup" {
  description = "Name of the Athena workgroup."
  type        = string
}

variable "athena_scan_limit_gb" {
  description = "Most data one query may read, in GB."
  type        = number
}

variable "shadow" {
  description = "Create the delivery stream of a model in shadow."
  type        = bool
}
