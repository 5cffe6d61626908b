resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:The scheduled input is always an empty object; AWS's own key is enough
  count = var.image == null ? 0 : 1

  name                         = var.name
  description                  = "Run the monitor over the last complete hours"
  schedule_expression          = var.schedule
  schedule_expression_timezone = "UTC"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.function[0].arn
    role_arn = aws_iam_role.schedule.arn
    input    = "{}"

    dead_letter_config {
      arn = aws_sqs_queue.failed.arn
    }
    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}

# Runs that could not start and runs that failed after the retry; alarm monitor-failed watches the queue.
resource "aws_sqs_queue" "failed" {
  name                      = var.failed_queue
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_iam_role" "schedule" {
  name                 = var.role_names.schedule
  path                 = var.role_settings.path
  permissions_boundary = var.role_settings.permissions_boundary
  assume_role_policy   = data.aws_iam_policy_document.schedule_trust.json

  lifecycle {
    create_before_destroy = true
  }
}

data "aws_iam_policy_document" "schedule_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "start"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartRun"
    actions   = ["lambda:InvokeFunction"]
    resources = ["${var.arn_prefixes.function}${var.name}"]
  }

  statement {
    sid       = "KeepFailedStart"
    actions   = ["sqs:SendMessage"]
    resources = ["${var.arn_prefixes.queue}${var.failed_queue}"]
  }
}
