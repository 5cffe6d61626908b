variable "name" {
  description = "Name of the bucket."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the objects."
  type        = string
}

variable "force_destroy" {
  description = "Let terraform destroy delete the bucket if it is not empty."
  type        = bool
}

variable "access_log_bucket" {
  description = "Bucket that receives the access log; null for none."
  type        = string
}

variable "noncurrent_version_days" {
  description = "Days for which replaced or deleted objects are kept."
  type        = number
}

variable "expiration_days" {
  description = "Days after which objects are deleted, by prefix without the slash."
  type        = map(number)
  default     = {}
}

variable "infrequent_access_days" {
  description = "Days after which objects move to the infrequent access class, by prefix without the slash."
  type        = map(number)
  default     = {}
}
