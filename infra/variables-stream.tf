variable "input_shards" {
  description = "Shards of the input stream, each for 1,000 records or 1 MiB per second; null for on-demand capacity."
  type        = number
  default     = 1

  validation {
    condition     = var.input_shards == null || try(var.input_shards >= 1 && floor(var.input_shards) == var.input_shards, false)
    error_message = "input_shards must be a whole number from 1 up, or null for on-demand capacity."
  }
}

variable "output_shards" {
  description = "Shards of the output stream; null for on-demand capacity. Events are larger than records: use at least as many as input_shards."
  type        = number
  default     = 1

  validation {
    condition     = var.output_shards == null || try(var.output_shards >= 1 && floor(var.output_shards) == var.output_shards, false)
    error_message = "output_shards must be a whole number from 1 up, or null for on-demand capacity."
  }
}

variable "stream_retention_hours" {
  description = "Retention of both streams in hours: the time available to repair a fault that stops scoring."
  type        = number
  default     = 24

  validation {
    condition     = var.stream_retention_hours >= 24 && var.stream_retention_hours <= 8760
    error_message = "stream_retention_hours must be 24 to 8760."
  }
}
