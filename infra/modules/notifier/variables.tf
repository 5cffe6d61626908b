variable "name" {
  description = "Name of the function, its queue, its secret and its alarms."
  type        = string
}

variable "failed_queue" {
  description = "Name of the queue of messages that could not be posted."
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

variable "channel" {
  description = "Name of the channel."
  type        = string
}

variable "service" {
  description = "Chat service: slack or teams."
  type        = string
}

variable "webhook_hosts" {
  description = "Hosts that the webhook's URL may name."
  type        = set(string)
}

variable "severities" {
  description = "Severities that the channel takes; empty for all."
  type        = set(string)
}

variable "checks" {
  description = "Checks, or first parts of their names, that the channel takes; empty for all."
  type        = set(string)
}

variable "secret_arn" {
  description = "ARN of an existing secret with the webhook's URL; null to create one without a value."
  type        = string
}

variable "secret_key_arn" {
  description = "ARN of the key of the existing secret; null for AWS's own key."
  type        = string
}

variable "topic_arn" {
  description = "ARN of the topic whose messages are posted."
  type        = string
}

variable "image" {
  description = "Image URI of the monitoring function."
  type        = string
}

variable "architecture" {
  description = "Processor architecture of the image."
  type        = string
}

variable "region" {
  description = "Region in the service names of key conditions."
  type        = string
}

variable "arn_prefixes" {
  description = "ARN prefixes of this account and region, by resource type."
  type = object({
    log_group = string
    queue     = string
  })
}

variable "kms_key_arn" {
  description = "ARN of the encryption key."
  type        = string
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
}

variable "log_retention_days" {
  description = "Retention of the log in days."
  type        = number
}

variable "force_destroy" {
  description = "Delete the secret at once on destroy, without a recovery window."
  type        = bool
}

variable "lake_bucket" {
  description = "Name of the lake bucket."
  type        = string
}

variable "lake_bucket_arn" {
  description = "ARN of the lake bucket."
  type        = string
}

variable "alerts_prefix" {
  description = "Prefix of alert states in the lake bucket."
  type        = string
}

variable "model_name" {
  description = "Name of the registered model."
  type        = string
}

variable "dashboard" {
  description = "Name of the CloudWatch dashboard to link; empty for none."
  type        = string
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
