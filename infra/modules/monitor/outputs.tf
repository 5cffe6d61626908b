output "repository_url" {
  description = "URL of the image repository; null if there is none."
  value       = one(module.repository[*].url)
}

output "function" {
  description = "Name of the function; null without an image."
  value       = one(module.function[*].name)
}

output "failed_queue" {
  description = "Name of the queue of failed runs."
  value       = aws_sqs_queue.failed.name
}

output "athena" {
  description = "Whether the function has the rights for queries by Athena."
  value       = length(data.aws_iam_policy_document.athena) == 1
}

output "environment" {
  description = "Environment variables of the function; null without an image."
  value       = one(module.function[*].environment)
}

output "subnet_ids" {
  description = "Subnets of each function."
  value       = module.function[*].subnet_ids
}
