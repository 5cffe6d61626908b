# Policies for people and services outside the stack. Attach them to a role, a group or a permission set.
locals {
  policies = {
    producer = {
      description = "Put records on the input stream"
      json        = data.aws_iam_policy_document.producer.json
    }
    label_sender = {
      description = "Send ground truth by the delivery stream or as files"
      json        = data.aws_iam_policy_document.label_sender.json
    }
    report_reader = {
      description = "Read the monitoring reports"
      json        = data.aws_iam_policy_document.report_reader.json
    }
  }
}

resource "aws_iam_policy" "this" {
  for_each = local.policies

  name        = var.names[each.key]
  description = each.value.description
  policy      = each.value.json
}

data "aws_iam_policy_document" "producer" {
  statement {
    sid       = "PutRecords"
    actions   = ["kinesis:PutRecord", "kinesis:PutRecords"]
    resources = [var.input_stream_arn]
  }

  statement {
    sid       = "EncryptRecords"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["kinesis.${var.region}.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = var.http_function_arn == null ? [] : [var.http_function_arn]

    content {
      sid       = "ScoreOverHttp"
      actions   = ["lambda:InvokeFunctionUrl"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "lambda:FunctionUrlAuthType"
        values   = ["AWS_IAM"]
      }
    }
  }

  # Function URLs created since October 2025 also require this right.
  dynamic "statement" {
    for_each = var.http_function_arn == null ? [] : [var.http_function_arn]

    content {
      sid       = "InvokeByUrlOnly"
      actions   = ["lambda:InvokeFunction"]
      resources = [statement.value]

      condition {
        test     = "Bool"
        variable = "lambda:InvokedViaFunctionUrl"
        values   = ["true"]
      }
    }
  }
}

data "aws_iam_policy_document" "label_sender" {
  statement {
    sid       = "PutLabels"
    actions   = ["firehose:PutRecord", "firehose:PutRecordBatch"]
    resources = [var.ground_truth_arn]
  }

  statement {
    sid       = "DropFiles"
    actions   = ["s3:PutObject"]
    resources = ["${var.lake_bucket_arn}/${var.ground_truth_prefix}/*"]
  }

  # Uploads in parts need Decrypt as well.
  statement {
    sid       = "EncryptFiles"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "report_reader" {
  statement {
    sid       = "ReadReports"
    actions   = ["s3:GetObject"]
    resources = ["${var.lake_bucket_arn}/${var.reports_prefix}/*"]
  }

  statement {
    sid       = "ListReports"
    actions   = ["s3:ListBucket"]
    resources = [var.lake_bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.reports_prefix}/*"]
    }
  }

  statement {
    sid       = "DecryptReports"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}
