output "topic_arn" {
  description = "ARN of the topic all alerts and alarms go to."
  value       = aws_sns_topic_policy.this.arn
}

output "alarms" {
  description = "Names of the alarms, by what they watch."
  value = merge(
    { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.alarm_name },
    { for alarm in aws_cloudwatch_metric_alarm.rejected : "records-rejected" => alarm.alarm_name },
  )
}
