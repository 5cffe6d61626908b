locals {
  read  = [for part in ["predictions", "rejected", "ground_truth", "failed", "reports", "profiles", "alerts", "athena_results"] : var.layout[part]]
  write = [for part in ["reports", "profiles", "alerts", "athena_results"] : var.layout[part]]
}

data "aws_iam_policy_document" "monitor" {
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
    sid       = "WriteFindings"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = [for prefix in local.write : "${var.lake_bucket_arn}/${prefix}/*"]
  }

  statement {
    sid       = "List"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [var.artifact_bucket_arn, var.lake_bucket_arn]
  }

  statement {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in ["s3", "sns"] : "${service}.${var.region}.amazonaws.com"]
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
    sid       = "Query"
    actions   = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:StopQueryExecution"]
    resources = [var.athena_workgroup_arn]
  }

  statement {
    sid       = "ReadCatalog"
    actions   = ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"]
    resources = [var.glue_catalog_arn, var.glue_database_arn, var.predictions_table_arn]
  }

  statement {
    sid       = "KeepFailedRun"
    actions   = ["sqs:SendMessage"]
    resources = ["${var.arn_prefixes.queue}${var.failed_queue}"]
  }
}
