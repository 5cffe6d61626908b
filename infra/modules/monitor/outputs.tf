output "repository_url" {
  description = "Where docker pushes the image to."
  value       = module.repository.url
}

output "function" {
  description = "Name of the function; null while there is no image."
  value       = one(module.function[*].name)
}

output "failed_queue" {
  description = "Name of the queue of runs that failed."
  value       = aws_sqs_queue.failed.name
}
