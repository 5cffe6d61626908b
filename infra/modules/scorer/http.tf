# The live image and model behind a function URL: what is being released reaches it after the canary. Its
# role reads no stream.
locals {
  http = var.http_enabled && var.image != null
}

module "http_function" {
  source = "../function"
  count  = local.http ? 1 : 0

  name                 = var.http_name
  role_name            = var.role_names.http
  role_settings        = var.role_settings
  description          = "Scores one record per request with ${var.model_name}"
  image                = var.image
  alias                = null
  handler              = "lambda_predict.http.handler"
  architecture         = var.architecture
  arn_prefixes         = var.arn_prefixes
  tracing              = var.tracing
  memory_mb            = var.memory_mb
  timeout_seconds      = var.timeout_seconds
  reserved_concurrency = var.http_reserved_concurrency
  environment          = merge(var.environment, { HTTP_IDENTITY = var.http_identity })
  policy               = data.aws_iam_policy_document.score.json
  kms_key_arn          = var.kms_key_arn
  log_retention_days   = var.log_retention_days
  vpc                  = var.vpc
}

resource "aws_lambda_function_url" "http" {
  count = local.http ? 1 : 0

  function_name      = module.http_function[0].name
  authorization_type = "AWS_IAM"
}
