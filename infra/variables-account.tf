# What the account has already, and what else runs in it.
variable "environment" {
  description = "Environment of this stack, e.g. dev: stacks of several environments can share account and region. Names, state key, metrics namespace and tags contain it. Set by make from ENVIRONMENT; empty for none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9]{0,9})?$", var.environment))
    error_message = "environment must be 1 to 10 lower-case letters and digits, starting with a letter, e.g. dev, or empty."
  }
}

variable "kms_key_arn" {
  description = "ARN of an existing key that encrypts everything instead of one of the stack. Its policy must let IAM policies of this account grant its use, and contain the statements of output kms_key_statements; null to create a key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, not of an alias: policies name it."
  }
  validation {
    condition     = var.kms_key_arn == null || try(split(":", var.kms_key_arn)[3] == data.aws_region.current.name, true)
    error_message = "kms_key_arn must be a key of the stack's region."
  }
}

variable "alert_topic_arn" {
  description = "ARN of an existing SNS topic of this account and region that receives alerts and alarms. Its policy must contain the statements of output alert_topic_statements, and its owner manages the subscriptions; null to create a topic."
  type        = string
  default     = null

  validation {
    condition     = var.alert_topic_arn == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alert_topic_arn))
    error_message = "alert_topic_arn must be the ARN of a standard topic, arn:aws:sns:<region>:<account>:<name>."
  }
  # Messages take account and region from it.
  validation {
    condition     = var.alert_topic_arn == null || strcontains(coalesce(var.alert_topic_arn, "-"), ":${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:")
    error_message = "alert_topic_arn must be a topic of the stack's account and region."
  }
  # A second stack with the same address would share its subscription, and remove it when it is destroyed.
  validation {
    condition     = var.alert_topic_arn == null || length(var.alert_emails) == 0
    error_message = "alert_emails must be empty with alert_topic_arn: subscribe the addresses to that topic."
  }
}

variable "alert_topic_key_arn" {
  description = "ARN of the key that encrypts alert_topic_arn; null if it has none. Its policy must let CloudWatch and EventBridge use it."
  type        = string
  default     = null

  validation {
    condition     = var.alert_topic_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.alert_topic_key_arn))
    error_message = "alert_topic_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>."
  }
  validation {
    condition     = var.alert_topic_key_arn == null || var.alert_topic_arn != null
    error_message = "alert_topic_key_arn is the key of alert_topic_arn, which is not set: the stack's own topic has the stack's key."
  }
}

variable "vpc_subnet_ids" {
  description = "Subnets of all functions; empty for no VPC. They must reach the services of output vpc_endpoint_services, and with notify_channels the webhooks' hosts."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.vpc_subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "vpc_subnet_ids must be ids of subnets, e.g. [\"subnet-0a1b2c3d\", \"subnet-1a2b3c4d\"]."
  }
  validation {
    condition     = (length(var.vpc_subnet_ids) == 0) == (length(var.vpc_security_group_ids) == 0)
    error_message = "vpc_subnet_ids and vpc_security_group_ids belong together: set both or neither."
  }
}

variable "vpc_security_group_ids" {
  description = "Security groups of all functions; they need no inbound rule, and outbound HTTPS."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.vpc_security_group_ids : can(regex("^sg-[0-9a-f]{8,17}$", id))])
    error_message = "vpc_security_group_ids must be ids of security groups, e.g. [\"sg-0a1b2c3d\"]."
  }
}
