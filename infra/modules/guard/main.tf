# Returns a release that its command does not watch any more: the command's process, not AWS, runs the canary
# (ops/canary.py), and extends a moment in the alias's description. Past that moment the function sets the weights to zero.
module "function" {
  source = "../function"

  name          = var.name
  role_name     = var.role_name
  role_settings = var.role_settings
  description   = "Returns a version of ${var.predict_function} that no release watches any more"
  image         = var.image
  alias         = null
  handler       = "lambda_monitor.guard.handler.handler"
  architecture  = var.architecture
  arn_prefixes  = var.arn_prefixes
  # One trace per minute would cost more than everything else here, and shows one call.
  tracing              = false
  memory_mb            = 256
  timeout_seconds      = 30
  reserved_concurrency = null
  policy               = data.aws_iam_policy_document.this.json
  kms_key_arn          = var.kms_key_arn
  log_retention_days   = var.log_retention_days
  vpc                  = var.vpc

  environment = {
    PREDICT_FUNCTION = var.predict_function
    PREDICT_ALIAS    = var.predict_alias
    ALERT_TOPIC_ARN  = var.alert_topic_arn
    USE_CASE         = var.use_case
    ENVIRONMENT      = var.environment
  }
}

# A rule instead of a schedule of EventBridge Scheduler: it is free of charge and needs no role.
resource "aws_cloudwatch_event_rule" "this" {
  name                = var.name
  description         = "Look at the alias of ${var.predict_function}"
  schedule_expression = "rate(1 minute)"
}

resource "aws_cloudwatch_event_target" "this" {
  rule  = aws_cloudwatch_event_rule.this.name
  arn   = module.function.arn
  input = "{}"

  depends_on = [aws_lambda_permission.this]
}

resource "aws_lambda_permission" "this" {
  function_name = module.function.name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this.arn
}

# The next minute's look is the retry.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = module.function.name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
