# Athena reads the lake and writes its results with the rights of the function.
data "aws_iam_policy_document" "athena" {
  count = var.athena ? 1 : 0

  statement {
    sid       = "Query"
    actions   = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:StopQueryExecution"]
    resources = [var.athena_workgroup_arn]
  }

  # No glue:GetPartitions: the table projects its partitions, so that Athena does not ask for them.
  statement {
    sid       = "ReadTable"
    actions   = ["glue:GetTable"]
    resources = [var.glue_catalog_arn, var.glue_database_arn, var.predictions_table_arn]
  }

  statement {
    sid       = "ReadDatabase"
    actions   = ["glue:GetDatabase"]
    resources = [var.glue_catalog_arn, var.glue_database_arn]
  }

  statement {
    sid       = "StoreQueryResults"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
    resources = ["${var.lake_bucket_arn}/${var.layout.athena_results}/*"]
  }

  statement {
    sid       = "ListQueryResults"
    actions   = ["s3:ListBucket"]
    resources = [var.lake_bucket_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.layout.athena_results}/*"]
    }
  }

  statement {
    sid       = "FindResultBucket"
    actions   = ["s3:GetBucketLocation"]
    resources = [var.lake_bucket_arn]
  }
}
