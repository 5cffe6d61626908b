resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:Variables reserve concurrency; a new account has too little to reserve any by default
  #checkov:skip=CKV_AWS_116:Failures are kept by the event source mapping and the monitor's invoke configuration; HTTP callers receive an error response
  #checkov:skip=CKV_AWS_117:Variable vpc_subnet_ids turns it on; the function calls only AWS services, with TLS and signed requests
  #checkov:skip=CKV_AWS_173:The variables are names, never secrets; encrypting them would widen every role's access to the key
  #checkov:skip=CKV_AWS_272:Code signing is for zip archives; images are deployed by digest
  function_name                  = var.name
  description                    = var.description
  role                           = aws_iam_role.this.arn
  package_type                   = "Image"
  image_uri                      = var.image
  architectures                  = [var.architecture]
  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)
  publish                        = var.alias != null

  image_config {
    command = [var.handler]
  }
  environment {
    variables = var.environment
  }
  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }
  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  # Otherwise Lambda creates the log group itself, without key and retention, and invocations before the
  # policies exist fail.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.base, aws_iam_role_policy.work, aws_iam_role_policy.network]
}

# Callers invoke the alias, so that a change reaches them by a release, not by an apply.
resource "aws_lambda_alias" "this" {
  count = var.alias == null ? 0 : 1

  name             = var.alias
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  # `make release` owns what the alias serves (ops/alias.py); an apply must not move it.
  lifecycle {
    ignore_changes = [function_version, routing_config, description]
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
