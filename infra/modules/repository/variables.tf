variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "function_arns" {
  description = "ARNs of the functions that may pull images; the functions need not exist."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the images."
  type        = string
}

variable "force_destroy" {
  description = "Let terraform destroy delete the repository if it is not empty."
  type        = bool
}
