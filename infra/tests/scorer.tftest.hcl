# The real provider, which builds the policies' JSON and plans without AWS.
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  role_settings              = { path = "/services/", permissions_boundary = "arn:aws:iam::123456789012:policy/boundary" }
  tracing                    = true
  name                       = "scorewatch-green-taxi-predict"
  role_names                 = { stream = "predict-eu-west-1", http = "predict-http-eu-west-1" }
  http_name                  = "scorewatch-green-taxi-predict-http"
  image                      = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/predict@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  repository                 = true
  region                     = "eu-west-1"
  kms_key_arn                = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  architecture               = "x86_64"
  memory_mb                  = 1024
  timeout_seconds            = 60
  environment                = { MODEL_VERSION = "1" }
  alias                      = "live"
  candidate                  = { image = null, environment = {} }
  log_retention_days         = 365
  force_destroy              = false
  artifact_bucket_arn        = "arn:aws:s3:::artifacts"
  lake_bucket_arn            = "arn:aws:s3:::lake"
  models_prefix              = "models"
  failed_prefix              = "aws/lambda"
  model_name                 = "scorewatch-green-taxi"
  input_stream_arn           = "arn:aws:kinesis:eu-west-1:123456789012:stream/input"
  output_stream_arn          = "arn:aws:kinesis:eu-west-1:123456789012:stream/output"
  rejected_delivery_arn      = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/rejected"
  reserved_concurrency       = null
  batch_size                 = 1000
  batching_window_seconds    = 1
  parallelization_factor     = 1
  maximum_retry_attempts     = 10000
  maximum_record_age_seconds = 43200
  http_enabled               = true
  http_identity              = "record_id"
  http_reserved_concurrency  = 5

  arn_prefixes = {
    function  = "arn:aws:lambda:eu-west-1:123456789012:function:"
    log_group = "arn:aws:logs:eu-west-1:123456789012:log-group:"
  }
}

run "event_source_mapping_loses_no_record" {
  command = plan

  module {
    source = "./modules/scorer"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.input[0].starting_position == "TRIM_HORIZON"
    error_message = "Any other position loses records put before the first poll."
  }
  assert {
    condition     = tolist(aws_lambda_event_source_mapping.input[0].function_response_types) == tolist(["ReportBatchItemFailures"])
    error_message = "Partial batch responses must be on."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.input[0].bisect_batch_on_function_error
    error_message = "A failing batch must be split to isolate the failing record."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.input[0].destination_config[0].on_failure[0].destination_arn == "arn:aws:s3:::lake"
    error_message = "Batches that Lambda gives up on must go to the lake bucket, payload included."
  }
}

run "roles_have_the_least_rights" {
  command = plan

  module {
    source = "./modules/scorer"
  }

  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : s.Action])) == toset([
      "s3:GetObject", "s3:ListBucket", "s3:PutObject", "kinesis:PutRecords", "firehose:PutRecordBatch", "kms:Decrypt",
      "kms:GenerateDataKey", "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
      "kinesis:GetShardIterator", "kinesis:ListShards",
    ])
    error_message = "The stream function's role must have exactly these actions."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.score.json).Statement : s.Action])) == toset([
      "s3:GetObject", "s3:ListBucket", "kinesis:PutRecords", "firehose:PutRecordBatch", "kms:Decrypt", "kms:GenerateDataKey",
    ])
    error_message = "The HTTP function's role must have exactly these actions."
  }
  assert {
    condition = alltrue(flatten([
      for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : [for r in flatten([s.Resource]) : startswith(r, "arn:")]
    ]))
    error_message = "Every statement must name its resources."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : s.Resource == "arn:aws:s3:::artifacts/models/scorewatch-green-taxi/*"
      if s.Sid == "ReadModel"
    ])
    error_message = "The role must read no other model."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : s.Condition.StringLike["s3:prefix"] == "models/scorewatch-green-taxi/*"
      if s.Action == "s3:ListBucket" && s.Resource == var.artifact_bucket_arn
    ])
    error_message = "The role must list no other model."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : s.Resource == "arn:aws:s3:::lake/aws/lambda/*"
      if s.Action == "s3:PutObject"
    ])
    error_message = "The role must write to the lake only under the failed prefix."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : can(s.Condition.StringEquals["kms:ViaService"])
      if s.Resource == var.kms_key_arn
    ])
    error_message = "The role must use the key only through the services."
  }
}

run "http_requires_iam" {
  command = plan

  module {
    source = "./modules/scorer"
  }

  assert {
    condition     = aws_lambda_function_url.http[0].authorization_type == "AWS_IAM"
    error_message = "The function URL must require signed requests."
  }
}

run "http_identity_reaches_the_http_function_only" {
  command = plan

  module {
    source = "./modules/scorer"
  }

  assert {
    condition     = module.http_function[0].environment == tomap({ MODEL_VERSION = "1", HTTP_IDENTITY = "record_id" })
    error_message = "The HTTP function must know the source of identities, besides what both functions know."
  }
  assert {
    condition     = module.function[0].environment == tomap({ MODEL_VERSION = "1" })
    error_message = "The stream function has no use for HTTP_IDENTITY."
  }
}

run "http_is_off_by_default" {
  command = plan

  module {
    source = "./modules/scorer"
  }
  variables {
    http_enabled = false
  }

  assert {
    condition     = length(aws_lambda_function_url.http) == 0 && length(module.http_function) == 0
    error_message = "There must be no HTTP function by default."
  }
}

run "without_an_image_only_the_repository" {
  command = plan

  module {
    source = "./modules/scorer"
  }
  variables {
    image = null
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.input) == 0 && length(module.function) == 0 && length(module.http_function) == 0
    error_message = "Without an image there must be only the repository."
  }
}
