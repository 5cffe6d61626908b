variable "prefix" {
  description = "Start of the alarms' names."
  type        = string
}

variable "topic" {
  description = "Name of the topic."
  type        = string
}

variable "emails" {
  description = "Addresses that get the alerts."
  type        = set(string)
}

variable "kms_key_arn" {
  description = "Key the messages are encrypted with."
  type        = string
}

variable "partition" {
  description = "Partition of the account."
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
  description = "Names of the delivery streams, by what they deliver."
  type        = map(string)
}

variable "delivery_interval_seconds" {
  description = "Longest time an event should wait for its object."
  type        = number
}

variable "predict_function" {
  description = "Name of the prediction function; null while there is none."
  type        = string
}

variable "event_source_mapping_id" {
  description = "UUID of the event source mapping; null while there is none."
  type        = string
}

variable "monitor_function" {
  description = "Name of the monitoring function; null while there is none."
  type        = string
}

variable "monitor_failed_queue" {
  description = "Name of the queue of monitoring runs that failed."
  type        = string
}

variable "metrics_namespace" {
  description = "Namespace of the functions' own metrics."
  type        = string
}

variable "use_case" {
  description = "Their dimension."
  type        = string
}

variable "iterator_age_alarm_seconds" {
  description = "Age of the oldest unscored record that raises an alarm."
  type        = number
}

variable "rejected_alarm_percent" {
  description = "Share of rejected records that raises an alarm."
  type        = number
}

variable "monitor_silence_hours" {
  description = "Hours without a run that raise an alarm."
  type        = number
}
