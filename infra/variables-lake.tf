variable "delivery_interval_seconds" {
  description = "Longest time in seconds before Firehose writes a buffered event to the lake."
  type        = number
  default     = 300

  validation {
    condition     = var.delivery_interval_seconds >= 0 && var.delivery_interval_seconds <= 900
    error_message = "delivery_interval_seconds must be 0 to 900."
  }
}

variable "delivery_size_mb" {
  description = "Buffer size in MB, before compression, at which Firehose writes an object early."
  type        = number
  default     = 64

  validation {
    condition     = var.delivery_size_mb >= 1 && var.delivery_size_mb <= 128
    error_message = "delivery_size_mb must be 1 to 128."
  }
}

variable "lake_expiration_days" {
  description = "Days after which all objects that hold records are deleted: predictions, rejected records, ground truth, undelivered and failed records, profiles, reports; null keeps them."
  type        = number
  default     = null

  validation {
    condition     = var.lake_expiration_days == null || try(var.lake_expiration_days >= 7, false)
    error_message = "lake_expiration_days must be 7 or more, or null to keep everything: the monitor reads the last days."
  }
}

variable "lake_infrequent_access_days" {
  description = "Days after which predictions move to the infrequent access class; null for never."
  type        = number
  default     = null

  validation {
    condition     = var.lake_infrequent_access_days == null || try(var.lake_infrequent_access_days >= 30, false)
    error_message = "lake_infrequent_access_days must be 30 or more (a rule of S3), or null."
  }
}

variable "access_log_bucket" {
  description = "Existing bucket of this account and region that receives the access logs of both buckets; null for none. It must not have SSE-KMS as its default encryption, and its policy must let logging.s3.amazonaws.com put objects."
  type        = string
  default     = null

  validation {
    condition     = var.access_log_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_log_bucket))
    error_message = "access_log_bucket must be the name of a bucket: 3 to 63 lower-case letters, digits, dots and dashes, no ARN."
  }
}

variable "noncurrent_version_days" {
  description = "Days for which replaced or deleted objects can be restored."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_version_days >= 1
    error_message = "noncurrent_version_days must be 1 or more."
  }
}

variable "delivery_encryption" {
  description = "Encryption of what Firehose buffers of rejected records and ground truth: stack_key, aws_owned_key (no requests to the stack's key), or none (only on an emulator without this encryption). Objects in the lake are always encrypted with the stack's key."
  type        = string
  default     = "stack_key"

  validation {
    condition     = contains(["stack_key", "aws_owned_key", "none"], var.delivery_encryption)
    error_message = "delivery_encryption must be stack_key, aws_owned_key or none."
  }
}

variable "athena_enabled" {
  description = "Create the Athena workgroup and the Glue table of predictions. Without them the monitor reads all objects itself, whatever athena_min_mb says."
  type        = bool
  default     = true
  nullable    = false
}

variable "athena_scan_limit_gb" {
  description = "Most data one Athena query may read, in GB. It limits the cost of a query."
  type        = number
  default     = 100

  validation {
    condition     = var.athena_scan_limit_gb >= 1
    error_message = "athena_scan_limit_gb must be 1 or more."
  }
}
