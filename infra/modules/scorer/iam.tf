# Rights of both functions, stream and HTTP.
data "aws_iam_policy_document" "score" {
  # All versions of this model: during a deployment two are in use.
  statement {
    sid       = "ReadModel"
    actions   = ["s3:GetObject"]
    resources = ["${var.artifact_bucket_arn}/${var.models_prefix}/${var.model_name}/*"]
  }

  # Without it S3 returns AccessDenied instead of NoSuchKey, and the error names the wrong cause.
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

  dynamic "statement" {
    for_each = var.shadow == null ? [var.output_stream_arn] : []

    content {
      sid       = "PublishPredictions"
      actions   = ["kinesis:PutRecords"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = var.shadow == null ? "KeepRejected" : "PublishShadow"
    actions   = ["firehose:PutRecordBatch"]
    resources = [var.rejected_delivery_arn]
  }

  statement {
    sid       = "DecryptModel"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = var.shadow == null ? [var.kms_key_arn] : []

    content {
      sid       = "EncryptPredictions"
      actions   = ["kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["kinesis.${var.region}.amazonaws.com"]
      }
    }
  }
}

# Additional rights of the event source mapping, which uses the function's role.
data "aws_iam_policy_document" "stream" {
  source_policy_documents = [data.aws_iam_policy_document.score.json]

  statement {
    sid = "ReadRecords"
    actions = [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = [var.input_stream_arn]
  }

  statement {
    sid       = "DecryptRecords"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["kinesis.${var.region}.amazonaws.com"]
    }
  }

  # The consumer's ARN ends in the time of its registration.
  dynamic "statement" {
    for_each = var.shadow == null ? [] : [var.shadow.consumer]

    content {
      sid       = "ReadAsConsumer"
      actions   = ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"]
      resources = ["${var.input_stream_arn}/consumer/${statement.value}:*"]
    }
  }

  dynamic "statement" {
    for_each = var.shadow == null ? [var.lake_bucket_arn] : []

    content {
      sid       = "KeepFailedBatches"
      actions   = ["s3:PutObject"]
      resources = ["${statement.value}/${var.failed_prefix}/*"]
    }
  }

  # Lambda requires it of an on-failure bucket, and does not document a prefix.
  dynamic "statement" {
    for_each = var.shadow == null ? [var.lake_bucket_arn] : []

    content {
      sid       = "FindFailedBatches"
      actions   = ["s3:ListBucket"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.shadow == null ? [var.kms_key_arn] : []

    content {
      sid       = "EncryptFailedBatches"
      actions   = ["kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${var.region}.amazonaws.com"]
      }
    }
  }
}
