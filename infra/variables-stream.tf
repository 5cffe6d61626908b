variable "input_shards" {
  description = "Shards of the input stream, each 1,000 records or 1 MiB a second; null for on-demand capacity."
  type        = number
  default     = 1

  validation {
    condition     = var.input_shards == null || try(var.input_shards >= 1 && floor(var.input_shards) == var.input_shards, false)
    error_message = "input_shards must be a whole number from 1 up, or null for on-demand capacity."
  }
}

variable "output_shards" {
  description = "Shards of the output stream; null for on-demand capacity. Events are larger than records: give it at least as many as the input."
  type        = number
  default     = 1

  validation {
    condition     = var.output_shards == null || try(var.output_shards >= 1 && floor(var.output_shards) == var.output_shards, false)
    error_message = "output_shards must be a whole number from 1 up, or null for on-demand capacity."
  }
}

variable "stream_retention_hours" {
  description = "Hours for which the streams keep records: the time there is to repair what stops the scoring."
  type        = number
  default     = 24

  validation {
    condition     = var.stream_retention_hours >= 24 && var.stream_retention_hours <= 8760
    error_message = "stream_retention_hours must be 24 to 8760."
  }
}
