variable "use_case" {
  description = "Name of the use case's Python file without .py, e.g. green_taxi. All resource names contain it."
  type        = string

  # Function <use case>-notify-<channel> could have the name of another use case's function.
  validation {
    condition     = !contains(split("_", var.use_case), "notify")
    error_message = "use_case must not have notify as one of its words: the names of a channel's resources contain it."
  }

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", var.use_case)) && length(var.use_case) <= 30
    error_message = "use_case must be 1 to 30 lower-case letters, digits and single underscores, starting with a letter, e.g. green_taxi: names of buckets and functions contain it."
  }
}

variable "model_version" {
  description = "Live version of the registered model. The prediction function serves it once make release or make rollback has moved its alias."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", var.model_version))
    error_message = "model_version must be the registry's version, e.g. \"1\": up to 64 letters, digits, dots, dashes and underscores."
  }
}

variable "id_column" {
  description = "Id field of the model's contract in lower case, e.g. ride_id; set by make deploy. Queries join predictions to ground truth by it; null for a table without an id column."
  type        = string
  default     = null

  validation {
    condition     = var.id_column == null || can(regex("^[a-z0-9_]{1,64}$", var.id_column))
    error_message = "id_column must be the contract's id field in lower case: up to 64 letters, digits and underscores. Omit it if the id field has other characters."
  }
}

variable "predict_image" {
  description = "Image URI of the prediction function, by digest; null before the first image, whose repository must exist first."
  type        = string
  default     = null

  validation {
    condition     = var.predict_image == null || can(regex("^[^\\s@]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$", var.predict_image))
    error_message = "predict_image must be an image URI with a digest (repository@sha256:...) or a tag (repository:tag), or null."
  }
  validation {
    condition     = var.predict_image == null || !endswith(coalesce(var.predict_image, "-"), ":latest")
    error_message = "predict_image must not be tagged latest: a moved tag is not deployed again. Use the digest (repository@sha256:...)."
  }
}

variable "monitor_image" {
  description = "Image URI of the monitoring function, by digest; null before the first image."
  type        = string
  default     = null

  validation {
    condition     = var.monitor_image == null || can(regex("^[^\\s@]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$", var.monitor_image))
    error_message = "monitor_image must be an image URI with a digest (repository@sha256:...) or a tag (repository:tag), or null."
  }
  validation {
    condition     = var.monitor_image == null || !endswith(coalesce(var.monitor_image, "-"), ":latest")
    error_message = "monitor_image must not be tagged latest: a moved tag is not deployed again. Use the digest (repository@sha256:...)."
  }
}

variable "image_repositories" {
  description = "Create ECR repositories for the images. false if the images are in repositories of your own: then predict_image and monitor_image name them, and make deploy builds no images."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.image_repositories || (var.predict_image != null && var.monitor_image != null)
    error_message = "With image_repositories = false, predict_image and monitor_image must name the images."
  }
}

variable "architecture" {
  description = "Processor architecture of the images: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64, the one the images were built for."
  }
}

variable "tracing" {
  description = "Trace the functions with X-Ray, which samples one invocation per second."
  type        = bool
  default     = true
}

variable "role_names_with_region" {
  description = "End the names of IAM roles in the region, so that a second region can have the stack. false keeps the roles of a stack deployed with 0.1."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Let terraform destroy delete buckets and repositories that are not empty."
  type        = bool
  default     = false
}

variable "key_deletion_window_days" {
  description = "Days for which a deleted key can be restored."
  type        = number
  default     = 30

  validation {
    condition     = var.key_deletion_window_days >= 7 && var.key_deletion_window_days <= 30
    error_message = "key_deletion_window_days must be 7 to 30."
  }
}

variable "log_retention_days" {
  description = "Retention of the logs in days."
  type        = number
  default     = 365

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days
    )
    error_message = "log_retention_days must be a value that CloudWatch supports: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, ... 3653."
  }
}
