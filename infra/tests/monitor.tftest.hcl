provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  role_settings         = { path = "/services/", permissions_boundary = "arn:aws:iam::123456789012:policy/boundary" }
  tracing               = true
  name                  = "scorewatch-green-taxi-monitor"
  role_names            = { function = "monitor-eu-west-1", schedule = "monitor-schedule-eu-west-1" }
  failed_queue          = "scorewatch-green-taxi-monitor-failed"
  more_functions        = ["scorewatch-green-taxi-guard", "scorewatch-green-taxi-notify-*"]
  image                 = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/monitor@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  repository            = true
  account_id            = "123456789012"
  region                = "eu-west-1"
  kms_key_arn           = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  architecture          = "x86_64"
  memory_mb             = 3008
  timeout_seconds       = 900
  environment           = { MODEL_VERSION = "1" }
  log_retention_days    = 365
  force_destroy         = false
  artifact_bucket_arn   = "arn:aws:s3:::artifacts"
  lake_bucket_arn       = "arn:aws:s3:::lake"
  models_prefix         = "models"
  model_name            = "scorewatch-green-taxi"
  schedule              = "rate(1 hour)"
  athena                = true
  reserved_concurrency  = null
  alert_topic_arn       = "arn:aws:sns:eu-west-1:123456789012:alerts"
  athena_workgroup_arn  = "arn:aws:athena:eu-west-1:123456789012:workgroup/scorewatch"
  glue_catalog_arn      = "arn:aws:glue:eu-west-1:123456789012:catalog"
  glue_database_arn     = "arn:aws:glue:eu-west-1:123456789012:database/scorewatch"
  predictions_table_arn = "arn:aws:glue:eu-west-1:123456789012:table/scorewatch/predictions"

  arn_prefixes = {
    function  = "arn:aws:lambda:eu-west-1:123456789012:function:"
    log_group = "arn:aws:logs:eu-west-1:123456789012:log-group:"
    queue     = "arn:aws:sqs:eu-west-1:123456789012:"
  }
  layout = {
    predictions    = "predictions"
    rejected       = "rejected"
    ground_truth   = "ground_truth"
    failed         = "aws/lambda"
    reports        = "reports"
    profiles       = "profiles"
    alerts         = "alerts"
    athena_results = "athena-results"
  }
}

run "schedule_and_failed_runs" {
  command = plan

  module {
    source = "./modules/monitor"
  }

  assert {
    condition     = aws_iam_role.schedule.path == "/services/" && aws_iam_role.schedule.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    error_message = "Roles must have the given path and permissions boundary."
  }
  assert {
    condition     = aws_scheduler_schedule.this[0].schedule_expression == "rate(1 hour)" && aws_scheduler_schedule.this[0].target[0].input == "{}"
    error_message = "A scheduled run must have an empty input: the window is the last complete hours."
  }
  assert {
    condition     = aws_scheduler_schedule.this[0].target[0].retry_policy[0].maximum_retry_attempts > 0 && length(aws_scheduler_schedule.this[0].target[0].dead_letter_config) == 1
    error_message = "A failed start must be retried, then sent to the queue."
  }
  assert {
    condition     = aws_sqs_queue.failed.sqs_managed_sse_enabled && aws_sqs_queue.failed.message_retention_seconds == 1209600
    error_message = "The queue must be encrypted, with the longest retention."
  }
}

run "the_monitor_writes_only_results" {
  command = plan

  module {
    source = "./modules/monitor"
  }

  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.monitor.json).Statement : s.Resource if contains(flatten([s.Action]), "s3:PutObject")])) == toset([
      "arn:aws:s3:::lake/reports/*", "arn:aws:s3:::lake/profiles/*", "arn:aws:s3:::lake/alerts/*", "arn:aws:s3:::lake/athena-results/*",
    ])
    error_message = "The monitor must write only under its own prefixes."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.monitor.json).Statement : s.Action])) == toset([
      "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucket", "s3:GetBucketLocation", "kms:Decrypt",
      "kms:GenerateDataKey", "sns:Publish", "athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
      "athena:StopQueryExecution", "cloudwatch:GetMetricData", "glue:GetDatabase", "glue:GetTable", "sqs:SendMessage",
    ])
    error_message = "The monitor's role must have exactly these actions with Athena."
  }
  assert {
    condition = alltrue(flatten([
      for s in jsondecode(data.aws_iam_policy_document.monitor.json).Statement : [for r in flatten([s.Resource]) : startswith(r, "arn:")]
      if s.Action != "cloudwatch:GetMetricData"
    ]))
    error_message = "Every statement must name its resources, except CloudWatch's."
  }
}

run "without_athena_no_rights_for_it" {
  command = plan

  variables {
    athena = false
  }

  module {
    source = "./modules/monitor"
  }

  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.monitor.json).Statement : s.Action])) == toset([
      "s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey", "sns:Publish",
      "cloudwatch:GetMetricData", "sqs:SendMessage",
    ])
    error_message = "The monitor's role must have exactly these actions without Athena."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.monitor.json).Statement : s.Resource if contains(flatten([s.Action]), "s3:GetObject")])) == toset([
      "arn:aws:s3:::artifacts/models/scorewatch-green-taxi/*", "arn:aws:s3:::lake/predictions/*", "arn:aws:s3:::lake/rejected/*",
      "arn:aws:s3:::lake/ground_truth/*", "arn:aws:s3:::lake/reports/*", "arn:aws:s3:::lake/profiles/*", "arn:aws:s3:::lake/alerts/*",
    ])
    error_message = "The monitor must read only these prefixes: failed batches are only listed."
  }
}

run "lists_are_limited_to_prefixes" {
  command = plan

  module {
    source = "./modules/monitor"
  }

  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.monitor.json).Statement : [for p in flatten([s.Condition.StringLike["s3:prefix"]]) : "${s.Resource}/${p}"] if s.Action == "s3:ListBucket"])) == toset([
      "arn:aws:s3:::artifacts/models/scorewatch-green-taxi/*", "arn:aws:s3:::lake/predictions/*", "arn:aws:s3:::lake/rejected/*",
      "arn:aws:s3:::lake/ground_truth/*", "arn:aws:s3:::lake/aws/lambda/*", "arn:aws:s3:::lake/reports/*", "arn:aws:s3:::lake/profiles/*",
      "arn:aws:s3:::lake/alerts/*", "arn:aws:s3:::lake/athena-results/*",
    ])
    error_message = "Every right to list must be limited to the prefixes that are listed."
  }
}

run "concurrency_can_be_reserved" {
  command = plan

  variables {
    reserved_concurrency = 2
  }

  module {
    source = "./modules/monitor"
  }

  assert {
    condition     = module.function[0].reserved_concurrency == 2
    error_message = "The monitoring function must have the given concurrency."
  }
}

run "the_scheduler_starts_only_this_function" {
  command = plan

  module {
    source = "./modules/monitor"
  }

  assert {
    condition = toset([for s in jsondecode(data.aws_iam_policy_document.schedule.json).Statement : "${s.Action} ${s.Resource}"]) == toset([
      "lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:scorewatch-green-taxi-monitor",
      "sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:scorewatch-green-taxi-monitor-failed",
    ])
    error_message = "The scheduler's role must have exactly these rights."
  }
  assert {
    condition     = jsondecode(data.aws_iam_policy_document.schedule_trust.json).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Only this account's schedules may use the role."
  }
}

run "rights_on_the_key_of_the_topic" {
  command = plan

  module {
    source = "./modules/monitor"
  }
  variables {
    alert_topic_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  }

  assert {
    condition = { for s in jsondecode(data.aws_iam_policy_document.monitor.json).Statement : s.Resource => s.Condition.StringEquals["kms:ViaService"] if contains(flatten([s.Action]), "kms:Decrypt") } == {
      (var.kms_key_arn)         = "s3.eu-west-1.amazonaws.com"
      (var.alert_topic_key_arn) = "sns.eu-west-1.amazonaws.com"
    }
    error_message = "The monitor must use each key through its own service only."
  }
}

run "no_rights_for_a_topic_without_a_key" {
  command = plan

  module {
    source = "./modules/monitor"
  }

  assert {
    condition     = !strcontains(data.aws_iam_policy_document.monitor.json, "sns.eu-west-1.amazonaws.com")
    error_message = "A topic without a key needs no rights on a key."
  }
}
