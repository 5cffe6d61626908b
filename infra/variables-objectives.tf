variable "scoring_objective_seconds" {
  description = "Service level objective of scoring: seconds from a record's arrival until its event is published."
  type        = number
  default     = 60

  validation {
    condition     = var.scoring_objective_seconds >= 5 && var.scoring_objective_seconds <= 3600
    error_message = "scoring_objective_seconds must be 5 to 3600: a cold start takes some seconds."
  }
  validation {
    condition     = var.scoring_objective_seconds > var.batching_window_seconds
    error_message = "scoring_objective_seconds must be above batching_window_seconds: a record may wait that long for its batch."
  }
}

variable "scoring_target_percent" {
  description = "Percentage of records to be scored within scoring_objective_seconds; the rest is the budget of 30 days."
  type        = number
  default     = 99.9

  validation {
    condition     = var.scoring_target_percent >= 95 && var.scoring_target_percent <= 99.99
    error_message = "scoring_target_percent must be 95 to 99.99: the highest burn rate of the alarms is 14.4."
  }
}

variable "lake_objective_seconds" {
  description = "Service level objective of delivery: seconds until an event of the output stream is in the lake."
  type        = number
  default     = 900

  validation {
    condition     = var.lake_objective_seconds >= 2 * var.delivery_interval_seconds && var.lake_objective_seconds >= 120
    error_message = "lake_objective_seconds must be 120 or more, and twice delivery_interval_seconds: an event waits that long in Firehose's buffer without any fault."
  }
}

variable "lake_target_percent" {
  description = "Percentage of minutes in which no event may wait longer than lake_objective_seconds; the rest is the budget of 30 days."
  type        = number
  default     = 99.9

  validation {
    condition     = var.lake_target_percent >= 95 && var.lake_target_percent <= 99.99
    error_message = "lake_target_percent must be 95 to 99.99: the highest burn rate of the alarms is 14.4."
  }
}

variable "objective_min_records" {
  description = "Late records in a window below which no alarm on the scoring objective is raised, so that a few records of a quiet hour don't raise it."
  type        = number
  default     = 5

  validation {
    condition     = var.objective_min_records >= 1 && floor(var.objective_min_records) == var.objective_min_records
    error_message = "objective_min_records must be a whole number from 1 up."
  }
}
