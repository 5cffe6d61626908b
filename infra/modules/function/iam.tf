resource "aws_iam_role" "this" {
  name                 = var.role_name
  path                 = var.role_settings.path
  permissions_boundary = var.role_settings.permissions_boundary
  assume_role_policy   = data.aws_iam_policy_document.trust.json

  # A renamed role exists before the function takes it and the old one goes.
  lifecycle {
    create_before_destroy = true
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "base" {
  name   = "log-and-trace"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.base.json
}

data "aws_iam_policy_document" "base" {
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${var.arn_prefixes.log_group}/aws/lambda/${var.name}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = var.tracing ? ["*"] : [] # X-Ray has no resource-level permissions

    content {
      sid       = "Trace"
      actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "work" {
  name   = "work"
  role   = aws_iam_role.this.id
  policy = var.policy
}
