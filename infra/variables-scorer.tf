variable "predict_memory_mb" {
  description = "Memory of the prediction function in MB; 1,769 MB is one full vCPU."
  type        = number
  default     = 1024

  validation {
    condition     = var.predict_memory_mb >= 256 && var.predict_memory_mb <= 10240
    error_message = "predict_memory_mb must be 256 to 10240: ONNX Runtime and a small model need 256."
  }
}

variable "predict_timeout_seconds" {
  description = "Timeout of one batch in seconds, retries of failed puts included."
  type        = number
  default     = 60

  validation {
    condition     = var.predict_timeout_seconds >= 10 && var.predict_timeout_seconds <= 900
    error_message = "predict_timeout_seconds must be 10 to 900: below 10, a cold start leaves no time for retries."
  }
}

variable "predict_reserved_concurrency" {
  description = "Reserved and maximum concurrency of the prediction function; null for none. The stream needs shards times parallelization_factor."
  type        = number
  default     = null

  validation {
    condition     = var.predict_reserved_concurrency == null || try(var.predict_reserved_concurrency >= 1, false)
    error_message = "predict_reserved_concurrency must be 1 or more, or null: 0 would stop scoring."
  }
}

variable "batch_size" {
  description = "Maximum number of records per invocation."
  type        = number
  default     = 1000

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000
    error_message = "batch_size must be 1 to 10000."
  }
}

variable "batching_window_seconds" {
  description = "Longest wait in seconds for a batch to fill. Longer means fewer invocations and more latency."
  type        = number
  default     = 1

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 300
    error_message = "batching_window_seconds must be 0 to 300."
  }
  validation {
    condition     = var.batch_size <= 10 || var.batching_window_seconds >= 1
    error_message = "batching_window_seconds must be 1 or more when batch_size is above 10 (a rule of Lambda)."
  }
}

variable "parallelization_factor" {
  description = "Batches of one shard that are scored concurrently; order is kept within a partition key."
  type        = number
  default     = 1

  validation {
    condition     = var.parallelization_factor >= 1 && var.parallelization_factor <= 10
    error_message = "parallelization_factor must be 1 to 10."
  }
}

variable "output_record_kb" {
  description = "Events are joined, one per line, into records of the output stream of up to this many KB; 25 is one billed put and costs least. 0 puts one event per record: a consumer that parses a record as one JSON document works only then."
  type        = number
  default     = 0

  validation {
    condition     = var.output_record_kb >= 0 && var.output_record_kb <= 1000 && floor(var.output_record_kb) == var.output_record_kb
    error_message = "output_record_kb must be a whole number from 0 to 1000: a record with its key has at most 1,024 KB."
  }
}

variable "maximum_retry_attempts" {
  description = "Retries of a failed batch before it goes to the failed prefix of the lake bucket. The default is Lambda's maximum: maximum_record_age_seconds limits the retries, so that an outage shorter than that loses nothing."
  type        = number
  default     = 10000

  validation {
    condition     = var.maximum_retry_attempts >= 0 && var.maximum_retry_attempts <= 10000
    error_message = "maximum_retry_attempts must be 0 to 10000: unlimited retries would let one batch block its shard."
  }
}

variable "maximum_record_age_seconds" {
  description = "Age in seconds at which an unscored record goes to the failed prefix of the lake bucket."
  type        = number
  default     = 43200

  validation {
    condition     = var.maximum_record_age_seconds >= 60 && var.maximum_record_age_seconds < var.stream_retention_hours * 3600
    error_message = "maximum_record_age_seconds must be 60 or more and below stream_retention_hours * 3600: a record must reach the failed prefix before it expires in the stream."
  }
}

variable "http_enabled" {
  description = "Also serve POST /predict on a function URL with IAM authentication."
  type        = bool
  default     = false
}

variable "http_identity" {
  description = "Identity of an HTTP record without an Idempotency-Key header, by which readers drop duplicates: request (each request is a record of its own) or record_id (requests with the same record id are one record)."
  type        = string
  default     = "request"

  validation {
    condition     = contains(["request", "record_id"], var.http_identity)
    error_message = "http_identity must be request or record_id."
  }
}

variable "http_reserved_concurrency" {
  description = "Reserved and maximum concurrency of the HTTP function; null for none."
  type        = number
  default     = null

  validation {
    condition     = var.http_reserved_concurrency == null || try(var.http_reserved_concurrency >= 1, false)
    error_message = "http_reserved_concurrency must be 1 or more, or null; to switch HTTP off, set http_enabled = false."
  }
}

variable "candidate_image" {
  description = "Image URI of the version being released; null for predict_image. make release sets it until the version is live or returned."
  type        = string
  default     = null

  validation {
    condition     = var.candidate_image == null || can(regex("^[^\\s@]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$", var.candidate_image))
    error_message = "candidate_image must be an image URI with a digest (repository@sha256:...) or a tag (repository:tag), or null."
  }
  validation {
    condition     = var.candidate_image == null || !endswith(coalesce(var.candidate_image, "-"), ":latest")
    error_message = "candidate_image must not be tagged latest: a moved tag is not deployed again. Use the digest (repository@sha256:...)."
  }
}

variable "candidate_model_version" {
  description = "Model version of the version being released; null for model_version. make release sets it until the version is live or returned."
  type        = string
  default     = null

  validation {
    condition     = var.candidate_model_version == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", var.candidate_model_version))
    error_message = "candidate_model_version must be the registry's version, e.g. \"1\": up to 64 letters, digits, dots, dashes and underscores."
  }
}
