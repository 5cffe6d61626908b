locals {
  read  = [for part in ["predictions", "rejected", "ground_truth", "reports", "profiles", "alerts"] : var.layout[part]]
  write = [for part in ["reports", "profiles", "alerts"] : var.layout[part]]
  # The batches that Lambda gave up on are counted, not read.
  list = concat(local.read, [var.layout.failed])
}

data "aws_iam_policy_document" "monitor" {
  source_policy_documents = data.aws_iam_policy_document.athena[*].json

  statement {
    sid       = "ReadModel"
    actions   = ["s3:GetObject"]
    resources = ["${var.artifact_bucket_arn}/${var.models_prefix}/${var.model_name}/*"]
  }

  statement {
    sid       = "ReadLake"
    actions   = ["s3:GetObject"]
    resources = [for prefix in local.read : "${var.lake_bucket_arn}/${prefix}/*"]
  }

  # No write access to predictions, rejected records and ground truth.
  statement {
    sid       = "WriteResults"
    actions   = ["s3:PutObject"]
    resources = [for prefix in local.write : "${var.lake_bucket_arn}/${prefix}/*"]
  }

  statement {
    sid       = "ListLake"
    actions   = ["s3:ListBucket"]
    resources = [var.lake_bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = [for prefix in local.list : "${prefix}/*"]
    }
  }

  # Without it S3 returns AccessDenied for a missing object, instead of NoSuchKey.
  statement {
    sid       = "DistinguishMissingFromDenied"
    actions   = ["s3:ListBucket"]
    resources = [var.artifact_bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.models_prefix}/${var.model_name}/*"]
    }
  }

  statement {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }

  # The topic's key is the stack's, another one of the company's own, or none.
  dynamic "statement" {
    for_each = var.alert_topic_key_arn == null ? [] : [var.alert_topic_key_arn]

    content {
      sid       = "UseKeyOfTopic"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["sns.${var.region}.amazonaws.com"]
      }
    }
  }

  statement {
    sid       = "Alert"
    actions   = ["sns:Publish"]
    resources = [var.alert_topic_arn]
  }

  statement {
    sid       = "ReadHealth"
    actions   = ["cloudwatch:GetMetricData"]
    resources = ["*"] # CloudWatch metrics have no resource-level permissions
  }

  statement {
    sid       = "KeepFailedRun"
    actions   = ["sqs:SendMessage"]
    resources = ["${var.arn_prefixes.queue}${var.failed_queue}"]
  }
}
