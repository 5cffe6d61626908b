# Both alarms go to the topic: mail receives them at once, the channel itself when it can be reached again. Their ends
# are reported by the rule of infra/modules/alerts/resolved.tf.
locals {
  alarms = {
    "notify-errors" = {
      description = "Channel ${var.channel} does not receive its messages: posting failed in two of three periods. They wait in queue ${var.name} and are posted again for 24 h. See the log of function ${var.name}."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = var.name }
      statistic   = "Sum"
      periods     = 3
      enough      = 2
    }
    "notify-failed" = {
      description = "Channel ${var.channel} did not receive messages for 24 h; they are in queue ${var.failed_queue}. See the log of function ${var.name}, repair the cause, then move them back."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.failed_queue }
      statistic   = "Maximum"
      periods     = 1
      enough      = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${trimprefix(each.key, "notify-")}"
  alarm_description   = "${each.value.description} Runbook: docs/operations.md#alarm-${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.enough
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic_arn]
}
