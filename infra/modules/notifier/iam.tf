data "aws_iam_policy_document" "this" {
  statement {
    sid       = "ReadWebhook"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [local.secret_arn]
  }

  dynamic "statement" {
    for_each = local.secret_key_arn == null ? [] : [local.secret_key_arn]

    content {
      sid       = "DecryptWebhook"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${var.region}.amazonaws.com"]
      }
    }
  }

  statement {
    sid       = "TakeMessages"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = ["${var.arn_prefixes.queue}${var.name}"]
  }

  statement {
    sid       = "MarkPosted"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${var.lake_bucket_arn}/${local.posted}/*"]
  }

  # Without it S3 returns AccessDenied for a missing object, instead of NoSuchKey.
  statement {
    sid       = "DistinguishMissingFromDenied"
    actions   = ["s3:ListBucket"]
    resources = [var.lake_bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${local.posted}/*"]
    }
  }

  statement {
    sid       = "UseKeyOfLake"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}
