# Reports the end of an alarm. An alarm's own ok_actions would also report the first state of each new alarm, one
# message per alarm on the first deployment: a rule can compare with the state before.
resource "aws_cloudwatch_event_rule" "resolved" {
  name          = local.resolved_rule
  description   = "Alarms of ${var.prefix} that change from ALARM to OK"
  event_pattern = local.resolved_pattern
}

resource "aws_cloudwatch_event_target" "resolved" {
  rule = aws_cloudwatch_event_rule.resolved.name
  arn  = local.topic_arn

  # EventBridge inserts each value with its quotes. It refuses names that start with AWS.
  input_transformer {
    input_paths    = { for name, path in local.resolved_fields : "its${name}" => path }
    input_template = "{\"NewStateValue\": \"OK\", \"OldStateValue\": \"ALARM\", ${join(", ", [for name in keys(local.resolved_fields) : "\"${name}\": <its${name}>"])}}"
  }
}

locals {
  resolved_rule = "${var.prefix}-alarm-resolved"

  # As in CloudWatch's own messages, so that a reader of the topic has one format to read.
  resolved_fields = {
    AlarmName        = "$.detail.alarmName"
    AlarmDescription = "$.detail.configuration.description"
    NewStateReason   = "$.detail.state.reason"
    StateChangeTime  = "$.detail.state.timestamp"
    Region           = "$.region"
    AWSAccountId     = "$.account"
    AlarmArn         = "$.resources[0]"
  }

  notifying = concat(
    values(aws_cloudwatch_metric_alarm.this)[*].alarm_name,
    aws_cloudwatch_metric_alarm.rejected[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.silence)[*].alarm_name,
    aws_cloudwatch_composite_alarm.silent[*].alarm_name,
    values(aws_cloudwatch_composite_alarm.fast)[*].alarm_name,
    values(aws_cloudwatch_composite_alarm.slow)[*].alarm_name,
  )

  # An alarm whose message was suppressed has nothing to resolve.
  resolved_pattern = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    detail = {
      alarmName     = concat(local.notifying, [{ prefix = var.notifier_prefix }])
      state         = { value = ["OK"] }
      previousState = { value = ["ALARM"], actionsSuppressedBy = [{ exists = false }] }
    }
  })
}
