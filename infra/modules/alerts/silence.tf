# What does not happen leaves no metric: compare it with what should.
locals {
  silences = {
    # A delivery that can't read its stream reports no lag: compare what went in with what it read.
    "predictions-unread" = {
      made        = true
      description = "Delivery ${var.delivery_names.predictions} reads nothing from the output stream although records arrive there. Check its role's rights on stream and key before the stream's retention ends."
      label       = "Records arrive and none is read"
      expression  = "IF(FILL(arrived, 0) > 0 AND FILL(read, 0) == 0, 1, 0)"
      periods     = 3
      metrics = {
        arrived = { namespace = "AWS/Kinesis", metric = "IncomingRecords", dimensions = { StreamName = var.output_stream } }
        read    = { namespace = "AWS/Firehose", metric = "DataReadFromKinesisStream.Records", dimensions = { DeliveryStreamName = var.delivery_names.predictions } }
      }
    }
    # A function that is never called counts no late record.
    "scoring-stopped" = {
      made        = var.predict_function != null
      description = "Records arrive on ${var.input_stream} and none is scored. Check the event source mapping and the prediction function's log before the stream's retention ends."
      label       = "Records arrive and none is scored"
      expression  = "IF(FILL(arrived, 0) > 0 AND FILL(on_time, 0) + FILL(late, 0) == 0, 1, 0)"
      # Two: a record at the end of one period is scored in the next.
      periods = 2
      metrics = {
        arrived = { namespace = "AWS/Kinesis", metric = "IncomingRecords", dimensions = { StreamName = var.input_stream } }
        on_time = { namespace = var.metrics_namespace, metric = "OnTime", dimensions = { UseCase = var.use_case } }
        late    = { namespace = var.metrics_namespace, metric = "Late", dimensions = { UseCase = var.use_case } }
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "silence" {
  for_each = { for name, silence in local.silences : name => silence if silence.made }

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = "${each.value.description} Runbook: ${local.runbook}${each.key}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]

  metric_query {
    id          = "silent"
    label       = each.value.label
    expression  = each.value.expression
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

# On the first deployment nothing has run yet, which is no fault: the alarm needs a run to be missed.
resource "aws_cloudwatch_composite_alarm" "silent" {
  count = var.monitor_function == null ? 0 : 1

  alarm_name        = "${var.prefix}-monitor-silent"
  alarm_description = "The monitor has not run for ${var.monitor_silence_hours} h, so drift would go unreported. Check its schedule and its log. Runbook: ${local.runbook}monitor-silent"
  alarm_rule        = "ALARM(\"${aws_cloudwatch_metric_alarm.idle[0].alarm_name}\") AND ALARM(\"${aws_cloudwatch_metric_alarm.started[0].alarm_name}\")"
  alarm_actions     = [local.topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "idle" {
  count = var.monitor_function == null ? 0 : 1

  alarm_name          = "${var.prefix}-part-monitor-idle"
  alarm_description   = "Part of monitor-silent: no monitoring run for ${var.monitor_silence_hours} h. Sends nothing itself."
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = var.monitor_silence_hours
  treat_missing_data  = "breaching"

  # Without FILL, CloudWatch looks for data points further back than the evaluated periods.
  metric_query {
    id          = "filled"
    label       = "Runs"
    expression  = "FILL(runs, 0)"
    return_data = true
  }

  metric_query {
    id = "runs"

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      dimensions  = { FunctionName = var.monitor_function }
      stat        = "Sum"
      period      = 3600
    }
  }
}

# Stays in ALARM for good: missing data is ignored, and a count of invocations is never 0. Two periods, so that it
# changes long after the first run ended monitor-idle.
resource "aws_cloudwatch_metric_alarm" "started" {
  count = var.monitor_function == null ? 0 : 1

  alarm_name          = "${var.prefix}-part-monitor-started"
  alarm_description   = "Part of monitor-silent: the monitor has run. Sends nothing itself."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = var.monitor_function }
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 3600 * var.monitor_silence_hours
  evaluation_periods  = 2
  treat_missing_data  = "ignore"
}
