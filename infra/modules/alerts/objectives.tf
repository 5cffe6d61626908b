# Two objectives with burn-rate alarms of several windows (SRE workbook, chapter 5). Burn rate 1 uses up the budget of
# 30 days in 30 days. A pair alarms if both windows burn: the long one shows that it matters, the short one that it
# still goes on.
locals {
  # Of the workbook: 2% of the budget in an hour, 5% in 6 hours, 10% in 3 days. The day's pair catches what costs 5%
  # in more than 6 hours, which the workbook's three let pass.
  burn_pairs = {
    "1h" = { severity = "fast", rate = 14.4, long = 60, short = 5 }
    "6h" = { severity = "fast", rate = 6, long = 360, short = 30 }
    "1d" = { severity = "slow", rate = 1.4, long = 1440, short = 120 }
    "3d" = { severity = "slow", rate = 1, long = 4320, short = 360 }
  }
  longest_short_seconds = 60 * max([for pair in local.burn_pairs : pair.short]...)

  burn_windows = merge([
    for name, pair in local.burn_pairs : {
      for window in ["long", "short"] : "${name}-${window}" => { rate = pair.rate, minutes = pair[window], pair = name, window = window }
    }
  ]...)

  budget_shares = {
    scoring = (100 - var.scoring_target_percent) / 100
    lake    = (100 - var.lake_target_percent) / 100
  }

  # Scoring, by events: the prediction function counts each record as on time or late, so that a window's share is
  # exact. A period has a day at most: of three days each must burn.
  # Lake, by minutes: Firehose reports ages, no counts of late events. Periods below an hour reach back one day at
  # most. If one minute in an hour is enough for the fast alarm, the slow one would never be first.
  lake_has_slow = local.burn_pairs["1h"].rate * local.burn_pairs["1h"].long * local.budget_shares.lake > 1
  pairs = {
    scoring = var.predict_function == null ? {} : local.burn_pairs
    lake    = { for name, pair in local.burn_pairs : name => pair if pair.long <= 1440 && (pair.severity == "fast" || local.lake_has_slow) }
  }
  windows = {
    for objective, pairs in local.pairs : objective => { for key, window in local.burn_windows : key => window if contains(keys(pairs), window.pair) }
  }

  objectives = {
    scoring = "${var.scoring_target_percent}% of the records scored within ${var.scoring_objective_seconds} s"
    lake    = "in ${var.lake_target_percent}% of the minutes no event waits longer than ${var.lake_objective_seconds} s for the lake"
  }
  burn_advice = {
    scoring = "Check the prediction function's errors and throttles, then input_shards."
    lake    = "See the log of delivery ${var.delivery_names.predictions}; records leave the output stream after its retention."
  }
  burn_alarms = {
    for item in setproduct(keys(local.pairs), ["fast", "slow"]) : "${item[0]}-budget-${item[1]}" => {
      objective = item[0]
      severity  = item[1]
      pairs     = [for name, pair in local.pairs[item[0]] : name if pair.severity == item[1]]
    } if anytrue([for pair in values(local.pairs[item[0]]) : pair.severity == item[1]])
  }
  burn_words = {
    fast = "At this rate the 30-day budget is used up in 5 days or less."
    slow = "The 30-day budget is being used up faster than it should last, for a day or more."
  }
}

resource "aws_cloudwatch_metric_alarm" "scoring_burn" {
  for_each = local.windows.scoring

  alarm_name          = "${var.prefix}-part-scoring-${each.key}"
  alarm_description   = "Part of scoring-budget-${local.burn_pairs[each.value.pair].severity}: burn rate ${each.value.rate} over ${each.value.minutes} minutes. Sends nothing itself."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 100 * each.value.rate * local.budget_shares.scoring
  evaluation_periods  = ceil(each.value.minutes / 1440)
  # While nothing is scored, nothing has ended.
  treat_missing_data = each.value.window == "short" ? "ignore" : "notBreaching"

  metric_query {
    id          = "share"
    label       = "Late, percent"
    expression  = "IF(late >= ${var.objective_min_records}, 100 * late / (late + on_time), 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { late = "Late", on_time = "OnTime" }

    content {
      id = metric_query.key

      metric {
        namespace   = var.metrics_namespace
        metric_name = metric_query.value
        dimensions  = { UseCase = var.use_case }
        stat        = "Sum"
        period      = 60 * min(each.value.minutes, 1440)
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "lake_burn" {
  for_each = local.windows.lake

  alarm_name          = "${var.prefix}-part-lake-${each.key}"
  alarm_description   = "Part of lake-budget-${local.burn_pairs[each.value.pair].severity}: burn rate ${each.value.rate} over ${each.value.minutes} minutes. Sends nothing itself."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = max(1, ceil(each.value.rate * local.budget_shares.lake * each.value.minutes))
  treat_missing_data  = "notBreaching"

  # An event's age is the time in the stream and the time in Firehose.
  metric_query {
    id          = "late"
    label       = "An event waits too long"
    expression  = "IF(FILL(waiting, 0) + FILL(behind, 0) / 1000 > ${var.lake_objective_seconds}, 1, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { waiting = "DeliveryToS3.DataFreshness", behind = "KinesisMillisBehindLatest" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Firehose"
        metric_name = metric_query.value
        dimensions  = { DeliveryStreamName = var.delivery_names.predictions }
        stat        = "Maximum"
        period      = 60
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "fast" {
  for_each = { for key, alarm in local.burn_alarms : key => alarm if alarm.severity == "fast" }

  alarm_name        = "${var.prefix}-${each.key}"
  alarm_description = "Objective: ${local.objectives[each.value.objective]}. ${local.burn_words.fast} ${local.burn_advice[each.value.objective]} Runbook: ${local.runbook}${each.key}"
  alarm_rule        = local.burn_rules[each.key]
  alarm_actions     = [local.topic_arn]
}

# An outage that the fast alarm reports also fills the long windows: nothing is sent a second time for it.
resource "aws_cloudwatch_composite_alarm" "slow" {
  for_each = { for key, alarm in local.burn_alarms : key => alarm if alarm.severity == "slow" }

  alarm_name        = "${var.prefix}-${each.key}"
  alarm_description = "Objective: ${local.objectives[each.value.objective]}. ${local.burn_words.slow} ${local.burn_advice[each.value.objective]} Runbook: ${local.runbook}${each.key}"
  alarm_rule        = local.burn_rules[each.key]
  alarm_actions     = [local.topic_arn]

  actions_suppressor {
    alarm            = aws_cloudwatch_composite_alarm.fast["${each.value.objective}-budget-fast"].alarm_name
    wait_period      = 300
    extension_period = local.longest_short_seconds
  }
}

locals {
  burn_parts = {
    scoring = { for key, alarm in aws_cloudwatch_metric_alarm.scoring_burn : key => alarm.alarm_name }
    lake    = { for key, alarm in aws_cloudwatch_metric_alarm.lake_burn : key => alarm.alarm_name }
  }
  burn_rules = {
    for key, alarm in local.burn_alarms : key => join(" OR ", [
      for pair in alarm.pairs :
      "(ALARM(\"${local.burn_parts[alarm.objective]["${pair}-long"]}\") AND ALARM(\"${local.burn_parts[alarm.objective]["${pair}-short"]}\"))"
    ])
  }
}
