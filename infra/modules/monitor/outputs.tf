output "repository_url" {
  description = "URL of the image repository."
  value       = module.repository.url
}

output "function" {
  description = "Name of the function; null without an image."
  value       = one(module.function[*].name)
}

output "failed_queue" {
  description = "Name of the queue of failed runs."
  value       = aws_sqs_queue.failed.name
}
