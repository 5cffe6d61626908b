variable "arn_prefixes" {
  description = "What comes before the name in ARNs of this account and region."
  type = object({
    log_group = string
  })
}

variable "name" {
  description = "Name of the function, its role and its log group."
  type        = string
}

variable "description" {
  description = "What the function does."
  type        = string
}

variable "image" {
  description = "Image URI."
  type        = string
}

variable "handler" {
  description = "Handler, as package.module.function."
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

variable "reserved_concurrency" {
  description = "Concurrent executions kept for, and the limit of, the function; null for none."
  type        = number
}

variable "environment" {
  description = "Environment variables. Names of things only, never a secret."
  type        = map(string)
}

variable "policy" {
  description = "What the function may do besides logging and tracing, as JSON."
  type        = string
}

variable "kms_key_arn" {
  description = "Key the log is encrypted with."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which the log is kept."
  type        = number
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}
