output "topic_arn" {
  description = "ARN of the topic all alerts and alarms go to."
  value       = aws_sns_topic_policy.this.arn
}
