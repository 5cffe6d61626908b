output "topic_arn" {
  description = "ARN of the topic that receives all alerts and alarms."
  value       = aws_sns_topic_policy.this.arn
}

output "alarms" {
  description = "Names of the alarms that send messages, by key."
  value       = { for name in local.notifying : trimprefix(name, "${var.prefix}-") => name }
}
