output "repository_url" {
  description = "Where docker pushes the image to."
  value       = module.repository.url
}

output "function" {
  description = "Name of the stream function; null while there is no image."
  value       = one(module.function[*].name)
}

output "http_function" {
  description = "Name of the HTTP function; null when it isn't enabled."
  value       = one(module.http_function[*].name)
}

output "http_url" {
  description = "URL of the HTTP function; null when it isn't enabled."
  value       = one(aws_lambda_function_url.http[*].function_url)
}

output "event_source_mapping_id" {
  description = "UUID of the event source mapping; null while there is no image."
  value       = one(aws_lambda_event_source_mapping.input[*].uuid)
}
