output "repository_url" {
  description = "URL of the image repository; null if there is none."
  value       = one(module.repository[*].url)
}

output "function" {
  description = "Name of the stream function; null without an image."
  value       = one(module.function[*].name)
}

output "image" {
  description = "Image URI of the stream function; null without an image."
  value       = one(module.function[*].image)
}

output "environment" {
  description = "Environment variables of the stream function; null without an image."
  value       = one(module.function[*].environment)
}

output "http_function" {
  description = "Name of the HTTP function; null if it is not enabled."
  value       = one(module.http_function[*].name)
}

output "http_url" {
  description = "URL of the HTTP function; null if it is not enabled."
  value       = one(aws_lambda_function_url.http[*].function_url)
}

output "event_source_mapping_id" {
  description = "UUID of the event source mapping; null without an image."
  value       = one(aws_lambda_event_source_mapping.input[*].uuid)
}

output "subnet_ids" {
  description = "Subnets of each function."
  value       = concat(module.function[*].subnet_ids, module.http_function[*].subnet_ids)
}
