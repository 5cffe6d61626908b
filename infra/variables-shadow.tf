variable "shadow" {
  description = "Model that scores all records in shadow from the time since (UTC): its predictions are stored apart and compared, no consumer receives them. image is null for predict_image. make shadow sets it; null for none."
  type = object({
    model_version = string
    since         = string
    image         = optional(string)
  })
  default = null

  validation {
    condition     = var.shadow == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", var.shadow.model_version))
    error_message = "model_version of shadow must be the registry's version, e.g. \"2\": up to 64 letters, digits, dots, dashes and underscores."
  }
  validation {
    condition     = var.shadow == null || can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", var.shadow.since))
    error_message = "since of shadow must be a time in UTC, e.g. 2026-03-02T10:00:00Z."
  }
  validation {
    condition     = try(var.shadow.image, null) == null || can(regex("^[^\\s@]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$", var.shadow.image))
    error_message = "image of shadow must be an image URI with a digest (repository@sha256:...) or a tag (repository:tag), or null."
  }
}

variable "shadow_reserved_concurrency" {
  description = "Reserved and maximum concurrency of the function in shadow; null for none. It needs shards times parallelization_factor, as the live function."
  type        = number
  default     = null

  validation {
    condition     = var.shadow_reserved_concurrency == null || try(var.shadow_reserved_concurrency >= 1, false)
    error_message = "shadow_reserved_concurrency must be 1 or more, or null; to switch the shadow off, run make shadow OFF=1."
  }
}
