variable "input_name" {
  description = "Name of the input stream."
  type        = string
}

variable "output_name" {
  description = "Name of the output stream."
  type        = string
}

variable "input_shards" {
  description = "Shards of the input stream; null for on-demand capacity."
  type        = number
}

variable "output_shards" {
  description = "Shards of the output stream; null for on-demand capacity."
  type        = number
}

variable "retention_hours" {
  description = "Retention of both streams in hours."
  type        = number
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts both streams."
  type        = string
}
