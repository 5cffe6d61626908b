variable "input_name" {
  description = "Name of the stream records come in on."
  type        = string
}

variable "output_name" {
  description = "Name of the stream prediction events go out on."
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
  description = "Hours for which both streams keep records."
  type        = number
}

variable "kms_key_arn" {
  description = "Key both streams are encrypted with."
  type        = string
}
