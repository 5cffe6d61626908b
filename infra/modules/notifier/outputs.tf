output "function" {
  description = "Name of the function."
  value       = module.function.name
}

output "secret" {
  description = "Name or ARN of the secret that holds the webhook's URL."
  value       = var.secret_arn == null ? aws_secretsmanager_secret.webhook[0].name : var.secret_arn
}

output "queue" {
  description = "Name of the queue of messages."
  value       = aws_sqs_queue.this.name
}

output "failed_queue" {
  description = "Name of the queue of messages that could not be posted."
  value       = aws_sqs_queue.failed.name
}

output "alarms" {
  description = "Alarm names by key."
  value       = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.alarm_name }
}

output "subnet_ids" {
  description = "Subnets of the function."
  value       = module.function.subnet_ids
}
