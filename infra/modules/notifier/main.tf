# One channel: the topic delivers to a queue, the queue to a function. The queue keeps what could not be posted and
# delivers it again for a day, so that an outage of the chat service loses nothing.
locals {
  timeout_seconds = 30
  # Lambda's documentation asks for six times the function's timeout.
  visibility_seconds = 6 * local.timeout_seconds
  deliveries_per_day = floor(24 * 3600 / local.visibility_seconds)
  # The messages that the channel posted, one object each.
  posted = "${var.alerts_prefix}/${var.model_name}/notified/${var.channel}"
}

module "function" {
  source = "../function"

  name                 = var.name
  role_name            = var.role_name
  role_settings        = var.role_settings
  description          = "Posts alerts of ${var.model_name} to ${var.service} channel ${var.channel}"
  image                = var.image
  alias                = null
  handler              = "lambda_monitor.notifier.handler.handler"
  architecture         = var.architecture
  arn_prefixes         = var.arn_prefixes
  tracing              = var.tracing
  memory_mb            = 256
  timeout_seconds      = local.timeout_seconds
  reserved_concurrency = null
  policy               = data.aws_iam_policy_document.this.json
  kms_key_arn          = var.kms_key_arn
  log_retention_days   = var.log_retention_days
  vpc                  = var.vpc

  environment = {
    CHANNEL       = var.channel
    SERVICE       = var.service
    SECRET_ARN    = local.secret_arn
    WEBHOOK_HOSTS = join(",", var.webhook_hosts)
    LAKE_BUCKET   = var.lake_bucket
    MODEL_NAME    = var.model_name
    DASHBOARD     = var.dashboard
    SEVERITIES    = join(",", var.severities)
    CHECKS        = join(",", var.checks)
  }
}

# One message per invocation: a failure delivers no other message again.
resource "aws_lambda_event_source_mapping" "this" {
  function_name    = module.function.arn
  event_source_arn = aws_sqs_queue.this.arn
  batch_size       = 1

  # Slack takes about one message per second.
  scaling_config {
    maximum_concurrency = 2
  }
}
