# The mocked provider, since the alias has no ARN before it exists.
mock_provider "aws" {
  source = "./tests/mocks"
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

run "the_mapping_invokes_the_alias" {
  command = apply

  module {
    source = "./modules/scorer"
  }

  assert {
    condition     = endswith(aws_lambda_event_source_mapping.input[0].function_name, ":live")
    error_message = "The mapping must invoke the alias: else a change takes all records before the canary has seen one."
  }
  assert {
    condition     = aws_lambda_function_url.http[0].qualifier == null
    error_message = "The URL must keep its address: the HTTP function changes after the canary."
  }
}

run "a_candidate_reaches_the_stream_function_only" {
  command = apply

  module {
    source = "./modules/scorer"
  }
  variables {
    candidate = { image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/predict:next", environment = { MODEL_VERSION = "2" } }
  }

  assert {
    condition     = module.function[0].environment == tomap({ MODEL_VERSION = "2" }) && endswith(module.function[0].image, ":next")
    error_message = "The stream function's next version must have the candidate's image and model."
  }
  assert {
    condition     = module.http_function[0].environment["MODEL_VERSION"] == "1" && module.http_function[0].image == var.image
    error_message = "The HTTP function must keep what is live until the canary has passed."
  }
}
