variable "name" {
  description = "Name of the stream function and of the repository."
  type        = string
}

variable "http_name" {
  description = "Name of the HTTP function."
  type        = string
}

variable "image" {
  description = "Image URI; null while there is none."
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

variable "failed_prefix" {
  description = "Prefix of the lake under which Lambda writes the batches it gives up on."
  type        = string
}

variable "input_stream_arn" {
  description = "Stream the records come from."
  type        = string
}

variable "output_stream_arn" {
  description = "Stream the predictions go to."
  type        = string
}

variable "rejected_delivery_arn" {
  description = "Delivery stream the rejected records go to."
  type        = string
}

variable "reserved_concurrency" {
  description = "Concurrent executions of the stream function; null for no limit."
  type        = number
}

variable "batch_size" {
  description = "Most records one invocation scores."
  type        = number
}

variable "batching_window_seconds" {
  description = "Longest wait for a batch to fill."
  type        = number
}

variable "parallelization_factor" {
  description = "Batches of one shard that are scored at once."
  type        = number
}

variable "maximum_retry_attempts" {
  description = "Times a failed batch is tried again."
  type        = number
}

variable "maximum_record_age_seconds" {
  description = "Age at which a record is given up."
  type        = number
}

variable "http_enabled" {
  description = "Serve the HTTP function as well."
  type        = bool
}

variable "http_reserved_concurrency" {
  description = "Concurrent executions of the HTTP function; null for no limit."
  type        = number
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}
