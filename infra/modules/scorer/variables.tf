variable "name" {
  description = "Name of the stream function and of the repository."
  type        = string
}

variable "http_name" {
  description = "Name of the HTTP function."
  type        = string
}

variable "role_names" {
  description = "Names of the roles of the two functions."
  type = object({
    stream = string
    http   = string
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

variable "alias" {
  description = "Alias of the stream function that the event source mapping invokes."
  type        = string
}

variable "candidate" {
  description = "What the version being released has instead of the live one: image (null for the same) and environment variables of the stream function."
  type = object({
    image       = string
    environment = map(string)
  })
}

variable "shadow" {
  description = "What makes this a function in shadow: name of its consumer of the input stream, and the time of the first record that it reads. It publishes to the delivery stream alone and has no alias; null for the live function."
  type = object({
    consumer = string
    since    = string
  })
  default = null
}

variable "image_users" {
  description = "Names of other functions that run the repository's image."
  type        = list(string)
  default     = []
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

variable "timeout_seconds" {
  description = "Timeout of one invocation in seconds."
  type        = number
}

variable "environment" {
  description = "Environment variables of both functions."
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

variable "failed_prefix" {
  description = "Prefix of the lake bucket that receives the batches Lambda gives up on."
  type        = string
}

variable "input_stream_arn" {
  description = "ARN of the stream that carries the records."
  type        = string
}

variable "output_stream_arn" {
  description = "ARN of the stream that receives the predictions."
  type        = string
}

variable "rejected_delivery_arn" {
  description = "ARN of the delivery stream that receives rejected records, and predictions in shadow."
  type        = string
}

variable "reserved_concurrency" {
  description = "Reserved and maximum concurrency of the stream function; null for none."
  type        = number
}

variable "batch_size" {
  description = "Maximum number of records per invocation."
  type        = number
}

variable "batching_window_seconds" {
  description = "Longest wait in seconds for a batch to fill."
  type        = number
}

variable "parallelization_factor" {
  description = "Batches of one shard that are scored concurrently."
  type        = number
}

variable "maximum_retry_attempts" {
  description = "Retries of a failed batch."
  type        = number
}

variable "maximum_record_age_seconds" {
  description = "Age in seconds at which an unscored record is given up."
  type        = number
}

variable "http_enabled" {
  description = "Also serve the HTTP function."
  type        = bool
}

variable "http_identity" {
  description = "Identity of an HTTP record without an Idempotency-Key header: request or record_id."
  type        = string
}

variable "http_reserved_concurrency" {
  description = "Reserved and maximum concurrency of the HTTP function; null for none."
  type        = number
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}

variable "vpc" {
  description = "Subnets and security groups of the functions, and what their ARNs start with; null for no VPC."
  type = object({
    subnet_ids          = list(string)
    security_group_ids  = list(string)
    interface_arns      = string
    function_arn_prefix = string
  })
  default = null
}
