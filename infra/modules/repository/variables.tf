variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "function_arns" {
  description = "Functions that may run its images, whether they exist yet or not."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key the images are encrypted with."
  type        = string
}

variable "force_destroy" {
  description = "Remove the repository with its images."
  type        = bool
}
