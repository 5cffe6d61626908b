output "topic_arn" {
  description = "ARN of the topic that receives all alerts and alarms."
  value       = var.own_topic_arn == null ? aws_sns_topic_policy.this[0].arn : var.own_topic_arn
}

output "topic_statements" {
  description = "Statements, as JSON, by which alarms and their ends reach the topic."
  value       = data.aws_iam_policy_document.publishers.json
}

output "alarms" {
  description = "Names of the alarms that send messages, by key."
  value       = { for name in local.notifying : trimprefix(name, "${var.prefix}-") => name }
}
