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
