output "topic_arn" {
  description = "ARN of the topic that receives all alerts and alarms."
  value       = aws_sns_topic_policy.this.arn
}

output "alarms" {
  description = "Alarm names by key."
  value = merge(
    { for key, alarm in aws_cloudwatch_metric_alarm.this : key => alarm.alarm_name },
    { for alarm in aws_cloudwatch_metric_alarm.rejected : "records-rejected" => alarm.alarm_name },
  )
}
