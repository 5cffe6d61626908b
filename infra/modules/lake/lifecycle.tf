resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  bucket = aws_s3_bucket.this["artifacts"].id

  rule {
    id     = "clean-up"
    status = "Enabled"

    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_version_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket.this["lake"].id

  rule {
    id     = "clean-up"
    status = "Enabled"

    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_version_days
    }
  }

  rule {
    id     = "query-results"
    status = "Enabled"

    filter {
      prefix = "${var.layout.athena_results}/"
    }
    expiration {
      days = 7
    }
  }

  dynamic "rule" {
    for_each = var.expiration_days == null ? [] : [var.layout.predictions, var.layout.rejected, var.layout.ground_truth]

    content {
      id     = "expire-${rule.value}"
      status = "Enabled"

      filter {
        prefix = "${rule.value}/"
      }
      expiration {
        days = var.expiration_days
      }
    }
  }

  dynamic "rule" {
    for_each = var.infrequent_access_days == null ? [] : [var.layout.predictions]

    content {
      id     = "infrequent-access-${rule.value}"
      status = "Enabled"

      filter {
        prefix = "${rule.value}/"
      }
      transition {
        days          = var.infrequent_access_days
        storage_class = "STANDARD_IA"
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
