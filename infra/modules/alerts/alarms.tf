locals {
  runbook               = "docs/operations.md#alarm-"
  delivery_late_seconds = 3 * max(var.delivery_interval_seconds, 60)

  # Alarms that don't need the functions to exist. The delivery of predictions has an objective instead.
  delivery_alarms = {
    for key, name in var.delivery_names : "delivery-${replace(key, "_", "-")}-late" => {
      description = "Delivery to the lake is late: the oldest undelivered event is older than ${local.delivery_late_seconds} s. See the log of delivery ${name}."
      namespace   = "AWS/Firehose"
      metric      = "DeliveryToS3.DataFreshness"
      dimensions  = { DeliveryStreamName = name }
      statistic   = "Maximum"
      threshold   = local.delivery_late_seconds
      period      = 300
      periods     = 3
    } if key != "predictions"
  }

  stream_alarms = {
    for key, name in { input = var.input_stream, output = var.output_stream } : "${key}-throttled" => {
      description            = "Puts to ${name} are throttled: raise ${key}_shards, or set it to null for on-demand capacity."
      namespace              = "AWS/Kinesis"
      metric                 = "WriteProvisionedThroughputExceeded"
      dimensions             = { StreamName = name }
      statistic              = "Sum"
      threshold              = 1
      period                 = 300
      periods                = 3
    }
  }

  predict_alarms = { for key, alarm in merge(
    {
      "batches-given-up" = {
        description = "Lambda gave up on records; they are in the failed prefix of the lake bucket. Repair the cause, then send them again."
        namespace   = "AWS/Lambda"
        metric      = "OnFailureDestinationDeliveredEventCount"
        dimensions  = { EventSourceMappingUUID = var.event_source_mapping_id }
        statistic   = "Sum"
        threshold   = 1
        period      = 300
        periods     = 1
      }
      "records-dropped" = {
        description = "Lambda dropped records that are not in the failed prefix either. Put them again from the input stream before its retention ends."
        namespace   = "AWS/Lambda"
        metric      = "DroppedEventCount"
        dimensions  = { EventSourceMappingUUID = var.event_source_mapping_id }
        statistic   = "Sum"
        threshold   = 1
        period      = 300
        periods     = 1
      }
    },
    local.function_alarms["predict"]
  ) : key => alarm if var.predict_function != null }

  monitor_alarms = { for key, alarm in merge(
    {
      "monitor-failed" = {
        description = "Monitoring runs failed after all retries. See the function's log; the runs' input events are in queue ${var.monitor_failed_queue}."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = var.monitor_failed_queue }
        statistic   = "Maximum"
        threshold   = 1
        period      = 300
        periods     = 1
      }
    },
    local.function_alarms["monitor"]
  ) : key => alarm if var.monitor_function != null }

  guard_alarms = { for key, alarm in {
    "guard-errors" = {
      description = "The guard of releases fails: a release whose command is killed keeps its share of the batches. See the log of function ${coalesce(var.guard_function, "-")}."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = var.guard_function }
      statistic   = "Sum"
      threshold   = 1
      period      = 300
      periods     = 3
      enough      = 2
    }
  } : key => alarm if var.guard_function != null }

  function_alarms = {
    for key, name in { predict = var.predict_function, monitor = var.monitor_function } : key => merge({
      "${key}-destination-failed" = {
        description = "${key} function: Lambda could not write a failed event to its on-failure destination. Check the role's rights on destination and key."
        namespace   = "AWS/Lambda"
        metric      = "DestinationDeliveryFailures"
        dimensions  = { FunctionName = name }
        statistic   = "Sum"
        threshold   = 1
        period      = 300
        periods     = 1
        enough      = 1
      }
      }, {
      for metric in ["Errors", "Throttles"] : "${key}-${lower(metric)}" => {
        description = "${key} function: ${lower(metric)} in two of three periods. See its log."
        namespace   = "AWS/Lambda"
        metric      = metric
        dimensions  = { FunctionName = name }
        statistic   = "Sum"
        threshold   = 1
        period      = 300
        periods     = 3
        enough      = 2
      }
    })
  }

  alarms = merge(local.delivery_alarms, local.stream_alarms, local.predict_alarms, local.monitor_alarms, local.guard_alarms)
}

# No alarm has ok_actions: resolved.tf sends what ended, but not the first OK of a new alarm.
resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = "${each.value.description} Runbook: ${local.runbook}${startswith(each.key, "delivery-") ? "delivery-late" : each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = try(each.value.enough, each.value.periods)
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
}

# A share instead of a count, so that the alarm does not depend on traffic.
resource "aws_cloudwatch_metric_alarm" "rejected" {
  count = var.predict_function == null ? 0 : 1

  alarm_name          = "${var.prefix}-records-rejected"
  alarm_description   = "More than ${var.rejected_alarm_percent}% of the records break the contract. See the rejected prefix of the lake bucket for each record and its reason. Runbook: ${local.runbook}records-rejected"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.rejected_alarm_percent
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]

  metric_query {
    id          = "share"
    label       = "Rejected, percent"
    expression  = "100 * rejected / received"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { received = "Records", rejected = "Rejected" }

    content {
      id = metric_query.key

      metric {
        namespace   = var.metrics_namespace
        metric_name = metric_query.value
        dimensions  = { UseCase = var.use_case }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}
