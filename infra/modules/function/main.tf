resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:Variables reserve concurrency where it is wanted; a new account has too little to reserve any
  #checkov:skip=CKV_AWS_116:What fails is kept where the function is called from: the stream's mapping, the monitor's invoke configuration; HTTP callers are told
  #checkov:skip=CKV_AWS_117:It speaks to AWS services alone, over TLS with signed calls; a VPC would add endpoints to pay and protect nothing of its own
  #checkov:skip=CKV_AWS_173:The variables are names of things, never secrets; with our key every role would need it for more than its data
  #checkov:skip=CKV_AWS_272:Code signing is for zip archives; images are named by digest
  function_name                  = var.name
  description                    = var.description
  role                           = aws_iam_role.this.arn
  package_type                   = "Image"
  image_uri                      = var.image
  architectures                  = [var.architecture]
  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)

  image_config {
    command = [var.handler]
  }
  environment {
    variables = var.environment
  }
  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  # Lambda would make a log group of its own, without key and retention, and calls made before the
  # policies are there would fail.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.base, aws_iam_role_policy.work]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
