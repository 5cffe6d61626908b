variable "name" {
  description = "Name of the dashboard; global in an account."
  type        = string
}

variable "region" {
  description = "Region of the metrics."
  type        = string
}

variable "arn_prefix" {
  description = "Start of an alarm's ARN, up to its name."
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

variable "predict_function" {
  description = "Name of the prediction function."
  type        = string
}

variable "monitor_function" {
  description = "Name of the monitoring function."
  type        = string
}

variable "delivery_names" {
  description = "Names of the delivery streams by content."
  type        = map(string)
}

variable "alarms" {
  description = "Names of the alarms to show, at most 100."
  type        = list(string)
}
