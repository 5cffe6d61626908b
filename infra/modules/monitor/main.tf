module "repository" {
  source = "../repository"
  count  = var.repository ? 1 : 0

  name          = var.name
  function_arns = [for name in concat([var.name], var.more_functions) : "${var.arn_prefixes.function}${name}"]
  kms_key_arn   = var.kms_key_arn
  force_destroy = var.force_destroy
}

moved {
  from = module.repository
  to   = module.repository[0]
}

module "function" {
  source = "../function"
  count  = var.image == null ? 0 : 1

  name                 = var.name
  role_name            = var.role_names.function
  role_settings        = var.role_settings
  description          = "Monitors data and predictions of ${var.model_name} and sends alerts"
  image                = var.image
  alias                = null
  handler              = "lambda_monitor.handler.handler"
  architecture         = var.architecture
  arn_prefixes         = var.arn_prefixes
  tracing              = var.tracing
  memory_mb            = var.memory_mb
  timeout_seconds      = var.timeout_seconds
  reserved_concurrency = var.reserved_concurrency
  environment          = var.environment
  policy               = data.aws_iam_policy_document.monitor.json
  kms_key_arn          = var.kms_key_arn
  log_retention_days   = var.log_retention_days
  vpc                  = var.vpc
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = var.image == null ? 0 : 1

  function_name = module.function[0].name
  # One retry is enough: the next scheduled run covers nearly the same window.
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed.arn
    }
  }
}
