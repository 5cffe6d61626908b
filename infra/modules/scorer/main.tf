module "repository" {
  source = "../repository"
  count  = var.repository ? 1 : 0

  name          = var.name
  function_arns = [for name in concat([var.name, "${var.name}:*", var.http_name], var.image_users) : "${var.arn_prefixes.function}${name}"]
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
  alias                = var.shadow == null ? var.alias : null
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

  function_name    = var.shadow == null ? module.function[0].alias_arn : module.function[0].arn
  event_source_arn = var.shadow == null ? var.input_stream_arn : aws_kinesis_stream_consumer.shadow[0].arn
  # LATEST would lose records that arrive between the mapping's creation and its first poll.
  starting_position                  = var.shadow == null ? "TRIM_HORIZON" : "AT_TIMESTAMP"
  starting_position_timestamp        = var.shadow == null ? null : var.shadow.since
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  parallelization_factor             = var.parallelization_factor
  function_response_types            = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error     = true
  maximum_retry_attempts             = var.shadow == null ? var.maximum_retry_attempts : local.shadow_retries
  maximum_record_age_in_seconds      = var.maximum_record_age_seconds

  # A bucket receives the whole payload, a queue only its position. Lambda chooses the prefix. What a shadow fails
  # at is no loss: the live function scores it.
  dynamic "destination_config" {
    for_each = var.shadow == null ? [var.lake_bucket_arn] : []

    content {
      on_failure {
        destination_arn = destination_config.value
      }
    }
  }
  metrics_config {
    metrics = ["EventCount"]
  }
}

# Readers of a stream share 2 MB/s per shard, which the live function needs to catch up after a fault; a
# registered consumer has its own.
resource "aws_kinesis_stream_consumer" "shadow" {
  count = var.shadow == null || var.image == null ? 0 : 1

  name       = var.shadow.consumer
  stream_arn = var.input_stream_arn
}

locals {
  # Enough for a fault of a service; an error of the model itself is the same each time.
  shadow_retries = 2
}
