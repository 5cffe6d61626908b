variable "permissions_boundary_arn" {
  description = "ARN of the IAM policy that bounds the rights of every role; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of a policy, e.g. arn:aws:iam::123456789012:policy/boundary, or null."
  }
}

variable "role_path" {
  description = "IAM path of every role, e.g. /services/. Set it before the first deploy: a deployed role can not move, and its name is taken."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([!-.0-~]+/)*$", var.role_path)) && length(var.role_path) <= 512
    error_message = "role_path must start and end with a slash, e.g. /services/, and have at most 512 characters."
  }
}

variable "tags" {
  description = "Tags of every resource, besides Project and UseCase."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:") && !contains(["Project", "UseCase"], key)]) && length(var.tags) <= 48
    error_message = "tags must be at most 48; their keys must not start with aws: and not be Project or UseCase, which the stack sets itself."
  }
}
