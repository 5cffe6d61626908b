variable "arn_prefixes" {
  description = "ARN prefixes of this account and region, by resource type."
  type = object({
    log_group = string
  })
}

variable "name" {
  description = "Name of the function and its log group."
  type        = string
}

variable "role_name" {
  description = "Name of the function's role."
  type        = string
}

variable "role_settings" {
  description = "Path and permissions boundary of every role; null for no boundary."
  type = object({
    path                 = string
    permissions_boundary = string
  })
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

variable "reserved_concurrency" {
  description = "Reserved and maximum concurrency; null for none."
  type        = number
}

variable "environment" {
  description = "Environment variables: names only, no secrets."
  type        = map(string)
}

variable "policy" {
  description = "IAM policy JSON of the function's rights besides logging and tracing."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the log."
  type        = string
}

variable "log_retention_days" {
  description = "Retention of the log in days."
  type        = number
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
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

variable "alias" {
  description = "Alias that callers invoke; each change of the function is then published as a version. null for neither."
  type        = string
}
