variable "names" {
  description = "Names of the policies by purpose."
  type = object({
    producer      = string
    label_sender  = string
    report_reader = string
  })
}

variable "region" {
  description = "Region in the service names of key conditions."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the encryption key."
  type        = string
}

variable "input_stream_arn" {
  description = "ARN of the input stream."
  type        = string
}

variable "ground_truth_arn" {
  description = "ARN of the delivery stream that takes ground truth."
  type        = string
}

variable "lake_bucket_arn" {
  description = "ARN of the lake bucket."
  type        = string
}

variable "ground_truth_prefix" {
  description = "Prefix of ground truth in the lake bucket."
  type        = string
}

variable "reports_prefix" {
  description = "Prefix of the reports in the lake bucket."
  type        = string
}

variable "http_function_arn" {
  description = "ARN of the HTTP function; null if it is not enabled."
  type        = string
}
