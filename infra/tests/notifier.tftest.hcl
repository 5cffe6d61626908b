provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  role_settings      = { path = "/services/", permissions_boundary = "arn:aws:iam::123456789012:policy/boundary" }
  name               = "scorewatch-green-taxi-notify-team"
  failed_queue       = "scorewatch-green-taxi-notify-team-failed"
  role_name          = "scorewatch-green-taxi-notify-team-eu-west-1"
  channel            = "team"
  service            = "slack"
  webhook_hosts      = ["hooks.slack.com"]
  severities         = ["critical"]
  checks             = ["drift", "alarm"]
  secret_arn         = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shared-AbCdEf"
  secret_key_arn     = null
  topic_arn          = "arn:aws:sns:eu-west-1:123456789012:alerts"
  image              = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/monitor@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  architecture       = "x86_64"
  region             = "eu-west-1"
  kms_key_arn        = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  tracing            = true
  log_retention_days = 365
  force_destroy      = false
  lake_bucket        = "lake"
  lake_bucket_arn    = "arn:aws:s3:::lake"
  alerts_prefix      = "alerts"
  model_name         = "scorewatch-green-taxi"
  dashboard          = "scorewatch-green-taxi-eu-west-1"

  arn_prefixes = {
    log_group = "arn:aws:logs:eu-west-1:123456789012:log-group:"
    queue     = "arn:aws:sqs:eu-west-1:123456789012:"
  }
}

run "the_role_reads_one_secret_and_one_queue" {
  command = plan

  module {
    source = "./modules/notifier"
  }

  assert {
    condition = {
      for s in jsondecode(data.aws_iam_policy_document.this.json).Statement : s.Sid => { actions = toset(flatten([s.Action])), resources = toset(flatten([s.Resource])) }
      } == {
      ReadWebhook = { actions = toset(["secretsmanager:GetSecretValue"]), resources = toset([var.secret_arn]) }
      TakeMessages = {
        actions   = toset(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"])
        resources = toset(["arn:aws:sqs:eu-west-1:123456789012:scorewatch-green-taxi-notify-team"])
      }
      MarkPosted = {
        actions   = toset(["s3:GetObject", "s3:PutObject"])
        resources = toset(["arn:aws:s3:::lake/alerts/scorewatch-green-taxi/notified/team/*"])
      }
      DistinguishMissingFromDenied = { actions = toset(["s3:ListBucket"]), resources = toset(["arn:aws:s3:::lake"]) }
      UseKeyOfLake                 = { actions = toset(["kms:Decrypt", "kms:GenerateDataKey"]), resources = toset([var.kms_key_arn]) }
    }
    error_message = "The notifier's role must have exactly these rights."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.this.json).Statement :
      contains(keys(s), "Condition") if contains(["DistinguishMissingFromDenied", "UseKeyOfLake"], s.Sid)
    ])
    error_message = "Lists must be limited to the channel's prefix, the key to S3."
  }
  assert {
    condition     = length(aws_secretsmanager_secret.webhook) == 0
    error_message = "An existing secret must be used instead of a new one."
  }
  assert {
    condition     = module.function.environment["SEVERITIES"] == "critical" && module.function.environment["CHECKS"] == "alarm,drift" && module.function.environment["SECRET_ARN"] == var.secret_arn
    error_message = "The function must know its filter and the ARN of its secret."
  }
}

run "the_key_of_an_existing_secret_may_decrypt_it_alone" {
  command = plan

  variables {
    secret_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  }

  module {
    source = "./modules/notifier"
  }

  assert {
    condition = [
      for s in jsondecode(data.aws_iam_policy_document.this.json).Statement : "${s.Action} ${s.Resource} ${s.Condition.StringEquals["kms:ViaService"]}" if s.Sid == "DecryptWebhook"
    ] == ["kms:Decrypt ${var.secret_key_arn} secretsmanager.eu-west-1.amazonaws.com"]
    error_message = "The secret's key must be usable through Secrets Manager only."
  }
}

run "a_new_secret_has_no_value" {
  command = plan

  variables {
    secret_arn = null
  }

  module {
    source = "./modules/notifier"
  }

  assert {
    condition     = aws_secretsmanager_secret.webhook[0].name == var.name && aws_secretsmanager_secret.webhook[0].kms_key_id == var.kms_key_arn
    error_message = "The secret must have the channel's name and be encrypted with the use case's key."
  }
  assert {
    condition     = aws_secretsmanager_secret.webhook[0].recovery_window_in_days == 7
    error_message = "A deleted secret must be recoverable unless force_destroy is set."
  }
}

run "messages_wait_a_day_and_are_kept_two_weeks" {
  command = plan

  module {
    source = "./modules/notifier"
  }

  assert {
    condition     = aws_sqs_queue.this.visibility_timeout_seconds == 180 && aws_lambda_event_source_mapping.this.batch_size == 1
    error_message = "A message must be posted again after six times the function's timeout, each by itself."
  }
  assert {
    condition     = local.visibility_seconds * local.deliveries_per_day == 86400 && aws_sqs_queue.this.message_retention_seconds > 2 * 86400
    error_message = "A message must be posted again for a day, within the queue's retention."
  }
  assert {
    condition     = aws_sqs_queue.failed.message_retention_seconds == 1209600 && aws_sqs_queue.failed.sqs_managed_sse_enabled && aws_sqs_queue.this.sqs_managed_sse_enabled
    error_message = "Queues must be encrypted; messages that failed must be kept for two weeks."
  }
  assert {
    condition     = aws_sns_topic_subscription.this.protocol == "sqs" && !aws_sns_topic_subscription.this.raw_message_delivery
    error_message = "The queue must receive the envelope, which has the message's id."
  }
  assert {
    condition = alltrue(flatten([
      for name in ["queue", "failed"] : [
        for s in jsondecode(data.aws_iam_policy_document.queue[name].json).Statement :
        s.Action == "sqs:SendMessage" && s.Principal.Service == "sns.amazonaws.com" && s.Condition.ArnEquals["aws:SourceArn"] == var.topic_arn
      ]
    ]))
    error_message = "Only the topic may write to the queues."
  }
}

run "a_channel_without_messages_raises_alarms" {
  command = plan

  module {
    source = "./modules/notifier"
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.this : key => [alarm.alarm_name, alarm.metric_name, values(alarm.dimensions)[0]] } == {
      "notify-errors" = ["scorewatch-green-taxi-notify-team-errors", "Errors", var.name]
      "notify-failed" = ["scorewatch-green-taxi-notify-team-failed", "ApproximateNumberOfMessagesVisible", var.failed_queue]
    }
    error_message = "Failed posts and messages given up must raise an alarm."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : contains(alarm.alarm_actions, var.topic_arn) && strcontains(alarm.alarm_description, "Runbook: docs/operations.md#alarm-notify-")])
    error_message = "The alarms must reach the topic and link the runbook."
  }
}
