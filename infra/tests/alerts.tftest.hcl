provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  prefix                     = "scorewatch-green-taxi"
  topic                      = "scorewatch-green-taxi-alerts"
  emails                     = ["a@example.com", "b@example.com"]
  kms_key_arn                = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  partition                  = "aws"
  region                     = "eu-west-1"
  account_id                 = "123456789012"
  input_stream               = "input"
  output_stream              = "output"
  delivery_names             = { predictions = "predictions", rejected = "rejected", ground_truth = "ground-truth" }
  delivery_interval_seconds  = 300
  predict_function           = "predict"
  event_source_mapping_id    = "00000000-0000-0000-0000-000000000000"
  monitor_function           = "monitor"
  monitor_failed_queue       = "failed"
  metrics_namespace          = "Scorewatch"
  use_case                   = "green_taxi"
  iterator_age_alarm_seconds = 600
  rejected_alarm_percent     = 5
  monitor_silence_hours      = 3
}

run "every_address_is_subscribed" {
  command = plan

  module {
    source = "./modules/alerts"
  }

  assert {
    condition     = toset([for s in aws_sns_topic_subscription.email : s.endpoint]) == toset(["a@example.com", "b@example.com"])
    error_message = "An address is not subscribed to the topic."
  }
  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == var.kms_key_arn
    error_message = "Alerts must be encrypted."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : length(alarm.alarm_description) > 40])
    error_message = "An alarm's description must name the next step."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), aws_cloudwatch_metric_alarm.rejected, [aws_cloudwatch_metric_alarm.unread]) :
      strcontains(alarm.alarm_description, "Runbook: docs/operations.md#alarm-")
      && !strcontains(alarm.alarm_description, "threshold")
    ])
    error_message = "An alarm's description must link the runbook and give the limit's value."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.this["scoring-late"].alarm_description, "older than ${var.iterator_age_alarm_seconds} s")
    error_message = "The description of scoring-late must give its limit in seconds."
  }
}

run "a_missing_run_raises_an_alarm" {
  command = plan

  module {
    source = "./modules/alerts"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["monitor-silent"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["monitor-silent"].evaluation_periods == 3
    error_message = "Missing invocations of the monitor must count as breaching."
  }
  assert {
    condition     = alltrue([for key, alarm in aws_cloudwatch_metric_alarm.this : alarm.treat_missing_data == "notBreaching" if key != "monitor-silent"])
    error_message = "Missing data must not raise any other alarm."
  }
}

run "rejected_alarm_uses_a_share" {
  command = plan

  module {
    source = "./modules/alerts"
  }

  assert {
    condition     = one([for q in aws_cloudwatch_metric_alarm.rejected[0].metric_query : q.expression if q.return_data == true]) == "100 * rejected / received"
    error_message = "The alarm must evaluate the share, not the count."
  }
  assert {
    condition     = toset(flatten([for q in aws_cloudwatch_metric_alarm.rejected[0].metric_query : [for m in q.metric : "${m.namespace} ${m.metric_name}"]])) == toset(["Scorewatch Records", "Scorewatch Rejected"])
    error_message = "The metrics must be those the prediction function writes."
  }
}

run "no_record_is_lost_without_an_alarm" {
  command = plan

  module {
    source = "./modules/alerts"
  }

  assert {
    condition = alltrue([
      for key, name in { predict = "predict", monitor = "monitor" } :
      aws_cloudwatch_metric_alarm.this["${key}-destination-failed"].metric_name == "DestinationDeliveryFailures" &&
      aws_cloudwatch_metric_alarm.this["${key}-destination-failed"].dimensions == tomap({ FunctionName = name }) &&
      aws_cloudwatch_metric_alarm.this["${key}-destination-failed"].threshold == 1
    ])
    error_message = "A failed event that can't be written to its destination must raise an alarm."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["records-dropped"].metric_name == "DroppedEventCount" &&
      aws_cloudwatch_metric_alarm.this["records-dropped"].dimensions == tomap({ EventSourceMappingUUID = var.event_source_mapping_id })
    )
    error_message = "Dropped events must raise an alarm."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["predictions-behind"].namespace == "AWS/Firehose" &&
      aws_cloudwatch_metric_alarm.this["predictions-behind"].metric_name == "KinesisMillisBehindLatest" &&
      aws_cloudwatch_metric_alarm.this["predictions-behind"].dimensions == tomap({ DeliveryStreamName = "predictions" }) &&
      aws_cloudwatch_metric_alarm.this["predictions-behind"].threshold == 900000
    )
    error_message = "A delivery that falls behind its stream must raise an alarm."
  }
  assert {
    condition     = toset(flatten([for q in aws_cloudwatch_metric_alarm.unread.metric_query : [for m in q.metric : "${m.namespace} ${m.metric_name}"]])) == toset(["AWS/Kinesis IncomingRecords", "AWS/Firehose DataReadFromKinesisStream.Records"])
    error_message = "A delivery that can't read its stream must raise an alarm: it reports no lag."
  }
}

run "no_alarms_on_missing_functions" {
  command = plan

  module {
    source = "./modules/alerts"
  }
  variables {
    predict_function        = null
    event_source_mapping_id = null
    monitor_function        = null
  }

  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset([
      "delivery-predictions-late", "delivery-rejected-late", "delivery-ground-truth-late", "predictions-behind", "input-throttled", "output-throttled",
    ]) && length(aws_cloudwatch_metric_alarm.rejected) == 0
    error_message = "There is an alarm on a function that does not exist."
  }
}
