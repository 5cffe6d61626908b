variable "name" {
  description = "Name of the function and of the rule that starts it."
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

variable "predict_function" {
  description = "Name of the prediction function."
  type        = string
}

variable "predict_alias" {
  description = "Alias of the prediction function that a release moves."
  type        = string
}

variable "use_case" {
  description = "Use case that the message names."
  type        = string
}

variable "environment" {
  description = "Environment of the stack that the message names; empty for none."
  type        = string
}

variable "alert_topic_arn" {
  description = "ARN of the topic that receives the message of a return."
  type        = string
}

variable "alert_topic_key_arn" {
  description = "ARN of the key that encrypts the topic; null for none."
  type        = string
  default     = null
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
    function  = string
    log_group = string
  })
}

variable "kms_key_arn" {
  description = "ARN of the encryption key."
  type        = string
}

variable "log_retention_days" {
  description = "Retention of the log in days."
  type        = number
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
