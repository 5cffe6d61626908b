provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  prefix                    = "scorewatch-green-taxi"
  topic                     = "scorewatch-green-taxi-alerts"
  notifier_prefix           = "scorewatch-green-taxi-notify-"
  emails                    = ["a@example.com", "b@example.com"]
  kms_key_arn               = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  partition                 = "aws"
  region                    = "eu-west-1"
  account_id                = "123456789012"
  input_stream              = "input"
  output_stream             = "output"
  delivery_names            = { predictions = "predictions", rejected = "rejected", ground_truth = "ground-truth" }
  delivery_interval_seconds = 300
  predict_function          = "predict"
  event_source_mapping_id   = "00000000-0000-0000-0000-000000000000"
  monitor_function          = "monitor"
  guard_function            = "guard"
  monitor_failed_queue      = "failed"
  metrics_namespace         = "Scorewatch"
  use_case                  = "green_taxi"
  scoring_objective_seconds = 60
  scoring_target_percent    = 99.9
  lake_objective_seconds    = 900
  lake_target_percent       = 99.9
  objective_min_records     = 5
  rejected_alarm_percent    = 5
  monitor_silence_hours     = 3
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
    condition     = aws_sns_topic.this[0].kms_master_key_id == var.kms_key_arn
    error_message = "Alerts must be encrypted."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : length(alarm.alarm_description) > 40])
    error_message = "An alarm's description must name the next step."
  }

  assert {
    condition = alltrue([
      for alarm in concat(
        values(aws_cloudwatch_metric_alarm.this), aws_cloudwatch_metric_alarm.rejected, values(aws_cloudwatch_metric_alarm.silence),
        aws_cloudwatch_composite_alarm.silent, values(aws_cloudwatch_composite_alarm.fast), values(aws_cloudwatch_composite_alarm.slow),
      ) :
      strcontains(alarm.alarm_description, "Runbook: docs/operations.md#alarm-")
      && !strcontains(alarm.alarm_description, "threshold")
    ])
    error_message = "An alarm's description must link the runbook and give the limit's value."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_composite_alarm.fast["scoring-budget-fast"].alarm_description, "99.9% of the records scored within 60 s")
    error_message = "The description must give the objective."
  }
}

run "only_missing_runs_count_as_breaching" {
  command = plan

  module {
    source = "./modules/alerts"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.idle[0].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.idle[0].evaluation_periods == 3
    error_message = "Missing invocations of the monitor must count as breaching."
  }
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.scoring_burn), values(aws_cloudwatch_metric_alarm.lake_burn)) :
      alarm.treat_missing_data == "notBreaching" || alarm.treat_missing_data == "ignore" && endswith(alarm.alarm_name, "-short")
    ])
    error_message = "Missing data must not raise any other alarm."
  }
}

run "burn_rates_follow_the_targets" {
  command = plan

  module {
    source = "./modules/alerts"
  }
  variables {
    scoring_target_percent = 99
    lake_target_percent    = 99
  }

  assert {
    condition     = [for key in ["1h-long", "6h-short", "1d-long", "3d-long"] : aws_cloudwatch_metric_alarm.scoring_burn[key].threshold] == [14.4, 6, 1.4, 1]
    error_message = "The late share in percent must be the burn rate times the budget."
  }
  assert {
    condition = [for key in ["1h-long", "1h-short", "6h-long", "1d-long"] : [aws_cloudwatch_metric_alarm.lake_burn[key].datapoints_to_alarm, aws_cloudwatch_metric_alarm.lake_burn[key].evaluation_periods]] == [
      [9, 60], [1, 5], [22, 360], [21, 1440],
    ]
    error_message = "The bad minutes must be the burn rate times the budget times the window."
  }
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.scoring_burn), values(aws_cloudwatch_metric_alarm.lake_burn)) : alltrue([
        for query in alarm.metric_query : alltrue([
          for metric in query.metric : metric.period * alarm.evaluation_periods <= (metric.period < 3600 ? 86400 : 604800)
        ])
      ])
    ])
    error_message = "CloudWatch evaluates one day at most, seven days with periods of an hour or more."
  }
  assert {
    condition     = aws_cloudwatch_composite_alarm.fast["scoring-budget-fast"].alarm_rule == "(ALARM(\"scorewatch-green-taxi-part-scoring-1h-long\") AND ALARM(\"scorewatch-green-taxi-part-scoring-1h-short\")) OR (ALARM(\"scorewatch-green-taxi-part-scoring-6h-long\") AND ALARM(\"scorewatch-green-taxi-part-scoring-6h-short\"))"
    error_message = "Both windows of a pair must burn."
  }
}

run "only_ends_of_alarms_are_reported" {
  command = plan

  module {
    source = "./modules/alerts"
  }

  assert {
    condition = alltrue([
      for alarm in concat(
        values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.scoring_burn), values(aws_cloudwatch_metric_alarm.lake_burn),
        aws_cloudwatch_metric_alarm.rejected, values(aws_cloudwatch_metric_alarm.silence),
        aws_cloudwatch_metric_alarm.idle, aws_cloudwatch_metric_alarm.started,
      ) : alarm.ok_actions == null && alarm.insufficient_data_actions == null
    ])
    error_message = "ok_actions report the first state of each new alarm."
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.resolved.event_pattern) <= 2048
    error_message = "An event pattern has at most 2,048 characters."
  }
  assert {
    condition = alltrue([
      for value in ["\"NewStateValue\": \"OK\"", "\"AlarmName\": <itsAlarmName>"] : strcontains(aws_cloudwatch_event_target.resolved.input_transformer[0].input_template, value)
    ])
    error_message = "The end of an alarm must have the fields of CloudWatch's own messages."
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
    condition     = toset(flatten([for q in aws_cloudwatch_metric_alarm.lake_burn["1h-long"].metric_query : [for m in q.metric : "${m.namespace} ${m.metric_name} ${m.dimensions.DeliveryStreamName}"]])) == toset(["AWS/Firehose DeliveryToS3.DataFreshness predictions", "AWS/Firehose KinesisMillisBehindLatest predictions"])
    error_message = "A delivery that falls behind its stream must use up the budget of the lake."
  }
  assert {
    condition     = toset(flatten([for q in aws_cloudwatch_metric_alarm.silence["scoring-stopped"].metric_query : [for m in q.metric : "${m.namespace} ${m.metric_name}"]])) == toset(["AWS/Kinesis IncomingRecords", "Scorewatch OnTime", "Scorewatch Late"])
    error_message = "A function that is never called must raise an alarm: it counts no late record."
  }
  assert {
    condition     = toset(flatten([for q in aws_cloudwatch_metric_alarm.silence["predictions-unread"].metric_query : [for m in q.metric : "${m.namespace} ${m.metric_name}"]])) == toset(["AWS/Kinesis IncomingRecords", "AWS/Firehose DataReadFromKinesisStream.Records"])
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
    guard_function          = null
  }

  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset([
      "delivery-rejected-late", "delivery-ground-truth-late", "input-throttled", "output-throttled",
      ]) && toset(keys(output.alarms)) == toset([
      "delivery-rejected-late", "delivery-ground-truth-late", "input-throttled", "output-throttled", "predictions-unread", "lake-budget-fast",
    ])
    error_message = "There is an alarm on a function that does not exist."
  }
}

run "own_topic" {
  command = plan

  module {
    source = "./modules/alerts"
  }
  variables {
    own_topic_arn = "arn:aws:sns:eu-west-1:123456789012:operations"
    emails        = []
  }

  assert {
    condition     = length(aws_sns_topic.this) == 0 && length(aws_sns_topic_policy.this) == 0
    error_message = "A topic of the company's own must keep its policy, and no other must be created."
  }
  assert {
    condition = alltrue([
      for actions in concat(
        values(aws_cloudwatch_metric_alarm.this)[*].alarm_actions, aws_cloudwatch_composite_alarm.silent[*].alarm_actions,
        values(aws_cloudwatch_composite_alarm.fast)[*].alarm_actions, values(aws_cloudwatch_metric_alarm.silence)[*].alarm_actions,
      ) : actions == toset([var.own_topic_arn])
    ]) && aws_cloudwatch_event_target.resolved.arn == var.own_topic_arn
    error_message = "Every alarm and its end must go to the given topic."
  }
}

run "only_alarms_of_this_stack_publish" {
  command = plan

  module {
    source = "./modules/alerts"
  }
  variables {
    own_topic_arn = "arn:aws:sns:eu-west-1:123456789012:operations"
    emails        = []
  }

  assert {
    condition = { for s in jsondecode(data.aws_iam_policy_document.publishers.json).Statement : s.Sid => values(s.Condition)[0]["aws:SourceArn"] } == {
      AlarmsOfThisStack = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:scorewatch-green-taxi-*"
      EndsOfAlarms      = "arn:aws:events:eu-west-1:123456789012:rule/scorewatch-green-taxi-alarm-resolved"
    }
    error_message = "Only alarms of this stack and their ends may reach the topic."
  }
}
