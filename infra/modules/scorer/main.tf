module "repository" {
  source = "../repository"
  count  = var.repository ? 1 : 0

  name          = var.name
  function_arns = [for name in [var.name, "${var.name}:*", var.http_name] : "${var.arn_prefixes.function}${name}"]
  kms_key_arn   = var.kms_key_arn
  force_destroy = var.force_destroy
}

moved {
  from = module.repository
  to   = module.repository[0]
}

# The first apply creates the repository; the function needs an image and follows with the second.
module "function" {
  source = "../function"
  count  = var.image == null ? 0 : 1

  name                 = var.name
  role_name            = var.role_names.stream
  role_settings        = var.role_settings
  description          = "Scores the input stream's records with ${var.model_name}"
  image                = coalesce(var.candidate.image, var.image)
  alias                = var.alias
  handler              = "lambda_predict.handler.handler"
  architecture         = var.architecture
  arn_prefixes         = var.arn_prefixes
  tracing              = var.tracing
  memory_mb            = var.memory_mb
  timeout_seconds      = var.timeout_seconds
  reserved_concurrency = var.reserved_concurrency
  environment          = merge(var.environment, var.candidate.environment)
  policy               = data.aws_iam_policy_document.stream.json
  kms_key_arn          = var.kms_key_arn
  log_retention_days   = var.log_retention_days
  vpc                  = var.vpc
}

resource "aws_lambda_event_source_mapping" "input" {
  count = var.image == null ? 0 : 1

  function_name    = module.function[0].alias_arn
  event_source_arn = var.input_stream_arn
  # LATEST would lose records that arrive between the mapping's creation and its first poll.
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  parallelization_factor             = var.parallelization_factor
  function_response_types            = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error     = true
  maximum_retry_attempts             = var.maximum_retry_attempts
  maximum_record_age_in_seconds      = var.maximum_record_age_seconds

  # A bucket receives the whole payload, a queue only its position. Lambda chooses the prefix.
  destination_config {
    on_failure {
      destination_arn = var.lake_bucket_arn
    }
  }
  metrics_config {
    metrics = ["EventCount"]
  }
}
