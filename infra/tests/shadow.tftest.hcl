# The function in shadow. The real provider builds the policies' JSON and plans without AWS.
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

# Over those of the module, which take the same values as the live function's.
run "shadow_reads_and_writes_apart" {
  command = plan

  module {
    source = "./modules/scorer"
  }
  variables {
    name                  = "scorewatch-green-taxi-shadow"
    alias                 = null
    repository            = false
    http_enabled          = false
    rejected_delivery_arn = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/shadow-events"
    shadow                = { consumer = "shadow", since = "2026-03-02T10:00:00Z" }
  }

  assert {
    condition     = aws_kinesis_stream_consumer.shadow[0].name == "shadow" && aws_kinesis_stream_consumer.shadow[0].stream_arn == var.input_stream_arn
    error_message = "The shadow must read as a consumer of its own: readers without one share the stream's throughput."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.input[0].starting_position == "AT_TIMESTAMP" && aws_lambda_event_source_mapping.input[0].starting_position_timestamp == "2026-03-02T10:00:00Z"
    error_message = "The shadow must start at the given time."
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.input[0].destination_config) == 0 && aws_lambda_event_source_mapping.input[0].maximum_retry_attempts == 2
    error_message = "What the shadow fails at must not be kept beside the live function's failed batches, nor retried for hours."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : s.Action])) == toset([
      "s3:GetObject", "s3:ListBucket", "firehose:PutRecordBatch", "kms:Decrypt", "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards",
      "kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard",
    ])
    error_message = "The shadow's role must have exactly these actions: none that puts records on a stream or objects in the lake."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : s.Resource == var.rejected_delivery_arn
      if s.Action == "firehose:PutRecordBatch"
    ])
    error_message = "The shadow must write to its own delivery stream only."
  }
  assert {
    condition = toset(flatten([
      for s in jsondecode(data.aws_iam_policy_document.stream.json).Statement : s.Resource if s.Sid == "ReadAsConsumer"
    ])) == toset(["${var.input_stream_arn}/consumer/shadow:*"])
    error_message = "The shadow must read as its own consumer only."
  }
}

run "no_shadow_without_an_image" {
  command = plan

  module {
    source = "./modules/scorer"
  }
  variables {
    image      = null
    repository = false
    shadow     = { consumer = "shadow", since = "2026-03-02T10:00:00Z" }
  }

  assert {
    condition     = length(aws_kinesis_stream_consumer.shadow) == 0 && length(aws_lambda_event_source_mapping.input) == 0
    error_message = "A consumer costs by the hour: there must be none without a function."
  }
}
