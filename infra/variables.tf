variable "use_case" {
  description = "Use case as its Python file is called, e.g. green_taxi. All names are made of it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", var.use_case)) && length(var.use_case) <= 30
    error_message = "use_case must be 1 to 30 lower-case letters, digits and single underscores, starting with a letter, e.g. green_taxi: names of buckets and functions are made of it."
  }
}

variable "model_version" {
  description = "Version of the registered model that is live. Rolling back is applying an earlier one."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", var.model_version))
    error_message = "model_version must be the registry's version, e.g. \"1\": up to 64 letters, digits, dots, dashes and underscores."
  }
}

variable "id_column" {
  description = "Id field of the model's contract in lower case, e.g. ride_id; make deploy gives it. With it a query can join predictions to ground truth; without it the table has no id column."
  type        = string
  default     = null

  validation {
    condition     = var.id_column == null || can(regex("^[a-z0-9_]{1,64}$", var.id_column))
    error_message = "id_column must be the contract's id field in lower case: up to 64 letters, digits and underscores. Leave it out where the id field has others."
  }
}

variable "predict_image" {
  description = "Image URI of the prediction function, by digest. Null makes the foundations only: the image needs the repository first."
  type        = string
  default     = null

  validation {
    condition     = var.predict_image == null || can(regex("^[^\\s@]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$", var.predict_image))
    error_message = "predict_image must be an image URI with a digest (repository@sha256:...) or a tag (repository:tag), or null while there is none."
  }
  validation {
    condition     = var.predict_image == null || !endswith(coalesce(var.predict_image, "-"), ":latest")
    error_message = "predict_image must not be tagged latest: a tag that moves is not deployed again. Name the digest (repository@sha256:...)."
  }
}

variable "monitor_image" {
  description = "Image URI of the monitoring function, by digest. Null makes the foundations only."
  type        = string
  default     = null

  validation {
    condition     = var.monitor_image == null || can(regex("^[^\\s@]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$", var.monitor_image))
    error_message = "monitor_image must be an image URI with a digest (repository@sha256:...) or a tag (repository:tag), or null while there is none."
  }
  validation {
    condition     = var.monitor_image == null || !endswith(coalesce(var.monitor_image, "-"), ":latest")
    error_message = "monitor_image must not be tagged latest: a tag that moves is not deployed again. Name the digest (repository@sha256:...)."
  }
}

variable "architecture" {
  description = "Processor the images are built for: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64, as the images were built."
  }
}

variable "tracing" {
  description = "Send traces of the functions to X-Ray, which samples one invocation a second."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Let terraform destroy remove buckets and repositories that still hold something."
  type        = bool
  default     = false
}

variable "key_deletion_window_days" {
  description = "Days for which a deleted key can still be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.key_deletion_window_days >= 7 && var.key_deletion_window_days <= 30
    error_message = "key_deletion_window_days must be 7 to 30."
  }
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 365

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days
    )
    error_message = "log_retention_days must be one CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, ... 3653."
  }
}
