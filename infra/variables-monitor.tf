variable "monitor_memory_mb" {
  description = "Memory of the monitoring function in MB; 1,769 MB is one full vCPU."
  type        = number
  default     = 3008

  validation {
    condition     = var.monitor_memory_mb >= 1024 && var.monitor_memory_mb <= 10240
    error_message = "monitor_memory_mb must be 1024 to 10240: Evidently needs 1024."
  }
}

variable "monitor_timeout_seconds" {
  description = "Timeout of one monitoring run in seconds."
  type        = number
  default     = 900

  validation {
    condition     = var.monitor_timeout_seconds >= 60 && var.monitor_timeout_seconds <= 900
    error_message = "monitor_timeout_seconds must be 60 to 900."
  }
}

locals {
  rate_pattern = "rate\\([1-9][0-9]* (minute|minutes|hour|hours|day|days)\\)"

  # One value of each field of a cron expression; a field is a list of values, ranges and steps.
  cron_values = {
    minute  = "[0-5]?[0-9]"
    hour    = "([01]?[0-9]|2[0-3])"
    day     = "(0?[1-9]|[12][0-9]|3[01])W?|LW?"
    month   = "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
    weekday = "([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])?|L"
    year    = "(19[7-9][0-9]|2[01][0-9][0-9])"
  }
  cron_items   = { for name, one in local.cron_values : name => "(\\*|(${one})(-(${one}))?)(/[1-9][0-9]*)?" }
  cron_fields  = { for name, item in local.cron_items : name => "${item}(,${item})*" }
  cron_days    = "(${local.cron_fields.day} ${local.cron_fields.month} \\?|\\? ${local.cron_fields.month} ${local.cron_fields.weekday})"
  cron_pattern = "cron\\(${local.cron_fields.minute} ${local.cron_fields.hour} ${local.cron_days} ${local.cron_fields.year}\\)"
}

variable "monitor_reserved_concurrency" {
  description = "Reserved and maximum concurrency of the monitoring function; null for none."
  type        = number
  default     = null

  validation {
    condition     = var.monitor_reserved_concurrency == null || try(var.monitor_reserved_concurrency >= 1, false)
    error_message = "monitor_reserved_concurrency must be 1 or more, or null: 0 would stop monitoring."
  }
}

variable "schedule" {
  description = "Schedule of the monitor in UTC: a rate(...) or cron(...) expression. Choose a time after the hour's last objects have landed."
  type        = string
  default     = "cron(20 * * * ? *)"

  validation {
    condition     = can(regex("^(${local.rate_pattern}|${local.cron_pattern})$", var.schedule))
    error_message = "schedule must be rate(...) or cron(...) as EventBridge Scheduler takes it, one of the two day fields a question mark, e.g. rate(1 hour) or cron(20 * * * ? *)."
  }
}

variable "window_hours" {
  description = "Length of the monitored window in complete hours."
  type        = number
  default     = 24

  validation {
    condition     = var.window_hours >= 1 && var.window_hours <= 744 && floor(var.window_hours) == var.window_hours
    error_message = "window_hours must be a whole number from 1 to 744 (31 days)."
  }
}

variable "reminder_hours" {
  description = "Hours after which a lasting alert is sent again."
  type        = number
  default     = 24

  validation {
    condition     = var.reminder_hours >= 1
    error_message = "reminder_hours must be 1 or more."
  }
}

variable "report_link_hours" {
  description = "Hours for which the link to the report in an alert's mail opens without login, at most; 0 for a link that needs one."
  type        = number
  default     = 12

  validation {
    condition     = var.report_link_hours >= 0 && var.report_link_hours <= 12 && floor(var.report_link_hours) == var.report_link_hours
    error_message = "report_link_hours must be a whole number from 0 to 12: the link ends with the credentials of the function that signs it."
  }
}

variable "metric_limit" {
  description = "Most custom metrics of value divided by limit per check and column, $0.30 a month each; the rest is summarised as the worst of its kind. 0 for none."
  type        = number
  default     = 20

  validation {
    condition     = var.metric_limit >= 0 && var.metric_limit <= 500 && floor(var.metric_limit) == var.metric_limit
    error_message = "metric_limit must be a whole number from 0 to 500."
  }
}

variable "dashboard" {
  description = "Create a CloudWatch dashboard of service, data quality, drift and performance; $3 a month beyond the account's three free ones."
  type        = bool
  default     = true
}

variable "label_delay_days" {
  description = "Days within which the ground truth of a record may arrive."
  type        = number
  default     = 7

  validation {
    condition     = var.label_delay_days >= 0 && var.label_delay_days <= 90
    error_message = "label_delay_days must be 0 to 90."
  }
}

variable "athena_min_mb" {
  description = "Compressed size in MB of unread objects from which Athena computes the profiles instead of the function; 0 for never."
  type        = number
  default     = 2048

  validation {
    condition     = var.athena_min_mb >= 0
    error_message = "athena_min_mb must be 0 (never Athena) or more."
  }
}

variable "alert_emails" {
  description = "Email addresses that receive the alerts. AWS first sends each a mail to confirm."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alert_emails must be email addresses, e.g. [\"team@example.com\"]."
  }
}

variable "rejected_alarm_percent" {
  description = "Percentage of rejected records in each of three 5-minute periods that raises an alarm."
  type        = number
  default     = 5

  validation {
    condition     = var.rejected_alarm_percent > 0 && var.rejected_alarm_percent <= 100
    error_message = "rejected_alarm_percent must be above 0 and at most 100."
  }
}

variable "monitor_silence_hours" {
  description = "Hours without a monitoring run that raise an alarm. Must be longer than the schedule's interval."
  type        = number
  default     = 3

  validation {
    condition     = var.monitor_silence_hours >= 1 && var.monitor_silence_hours <= 24 && floor(var.monitor_silence_hours) == var.monitor_silence_hours
    error_message = "monitor_silence_hours must be a whole number from 1 to 24 (CloudWatch evaluates at most one day)."
  }
}
