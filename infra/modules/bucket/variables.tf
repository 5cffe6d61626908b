variable "name" {
  description = "Name of the bucket."
  type        = string
}

variable "kms_key_arn" {
  description = "Key the objects are encrypted with."
  type        = string
}

variable "force_destroy" {
  description = "Remove the bucket with what it holds."
  type        = bool
}

variable "access_log_bucket" {
  description = "Bucket that takes the access log; null for none."
  type        = string
}

variable "noncurrent_version_days" {
  description = "Days for which replaced or deleted objects are kept."
  type        = number
}

variable "expiration_days" {
  description = "Days after which objects are removed, by prefix without the slash."
  type        = map(number)
  default     = {}
}

variable "infrequent_access_days" {
  description = "Days after which objects move to the infrequent access class, by prefix without the slash."
  type        = map(number)
  default     = {}
}
