# One role per delivery: each writes under its own prefix, and only the predictions' role reads the output
# stream. ARNs are built from names instead of attributes, so that a plan shows the policies before the
# resources exist.
locals {
  lake_arn = "${var.arn_prefixes.bucket}${var.lake_bucket}"
}

resource "aws_iam_role" "delivery" {
  for_each = local.deliveries

  name                 = var.role_names[each.key]
  path                 = var.role_settings.path
  permissions_boundary = var.role_settings.permissions_boundary
  assume_role_policy   = data.aws_iam_policy_document.delivery_trust.json

  lifecycle {
    create_before_destroy = true
  }
}

data "aws_iam_policy_document" "delivery_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }
    # Firehose passes the account as the external id; its guide limits the role by that key.
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.account_id]
    }
  }
}

resource "aws_iam_role_policy" "delivery" {
  for_each = local.deliveries

  name   = "deliver"
  role   = aws_iam_role.delivery[each.key].id
  policy = data.aws_iam_policy_document.delivery[each.key].json
}

data "aws_iam_policy_document" "delivery" {
  for_each = local.deliveries

  statement {
    sid     = "WriteObjects"
    actions = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = [
      "${local.lake_arn}/${each.value.prefix}/*",
      "${local.lake_arn}/${var.layout.delivery_errors}/${each.value.prefix}/*",
    ]
  }

  # Firehose requires these rights on the bucket, and does not document a prefix.
  statement {
    sid       = "FindBucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [local.lake_arn]
  }

  statement {
    sid       = "EncryptObjects"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:PutLogEvents"]
    resources = ["${var.arn_prefixes.log_group}${local.delivery_log_groups[each.key]}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = each.value.from_stream ? [var.output_stream_arn] : []

    content {
      sid       = "ReadStream"
      actions   = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.from_stream ? [var.kms_key_arn] : []

    content {
      sid       = "DecryptStream"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["kinesis.${var.region}.amazonaws.com"]
      }
    }
  }
}
