variable "prefix" {
  description = "Prefix of the alarm names."
  type        = string
}

variable "notifier_prefix" {
  description = "Prefix of the names of the notifiers' alarms, whose ends are reported, too."
  type        = string
}

variable "topic" {
  description = "Name of the topic."
  type        = string
}

variable "emails" {
  description = "Email addresses that receive the alerts."
  type        = set(string)
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the messages."
  type        = string
}

variable "partition" {
  description = "AWS partition of the account."
  type        = string
}

variable "region" {
  description = "Region of the alarms."
  type        = string
}

variable "account_id" {
  description = "Account whose alarms may publish."
  type        = string
}

variable "input_stream" {
  description = "Name of the input stream."
  type        = string
}

variable "output_stream" {
  description = "Name of the output stream."
  type        = string
}

variable "delivery_names" {
  description = "Names of the delivery streams by content."
  type        = map(string)
}

variable "delivery_interval_seconds" {
  description = "Longest time in seconds before Firehose writes a buffered event."
  type        = number
}

variable "predict_function" {
  description = "Name of the prediction function; null if there is none."
  type        = string
}

variable "event_source_mapping_id" {
  description = "UUID of the event source mapping; null if there is none."
  type        = string
}

variable "monitor_function" {
  description = "Name of the monitoring function; null if there is none."
  type        = string
}

variable "guard_function" {
  description = "Name of the function that returns releases which nobody watches; null without it."
  type        = string
}

variable "monitor_failed_queue" {
  description = "Name of the queue of failed monitoring runs."
  type        = string
}

variable "metrics_namespace" {
  description = "Namespace of the functions' custom metrics."
  type        = string
}

variable "use_case" {
  description = "Use case, the UseCase dimension of the custom metrics."
  type        = string
}

variable "scoring_objective_seconds" {
  description = "Age in seconds within which a record must be scored."
  type        = number
}

variable "scoring_target_percent" {
  description = "Percentage of records that must be scored in time."
  type        = number
}

variable "lake_objective_seconds" {
  description = "Age in seconds within which an event must be in the lake."
  type        = number
}

variable "lake_target_percent" {
  description = "Percentage of minutes in which no event may wait longer for the lake."
  type        = number
}

variable "objective_min_records" {
  description = "Late records in a window below which no scoring alarm is raised."
  type        = number
}

variable "rejected_alarm_percent" {
  description = "Percentage of rejected records that raises an alarm."
  type        = number
}

variable "monitor_silence_hours" {
  description = "Hours without a monitoring run that raise an alarm."
  type        = number
}

variable "own_topic_arn" {
  description = "ARN of an existing topic; null to create one."
  type        = string
  default     = null
}
