resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

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

  dynamic "rule" {
    for_each = var.expiration_days

    content {
      id     = "expire-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${rule.key}/"
      }
      expiration {
        days = rule.value
      }
    }
  }

  dynamic "rule" {
    for_each = var.infrequent_access_days

    content {
      id     = "infrequent-access-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${rule.key}/"
      }
      transition {
        days          = rule.value
        storage_class = "STANDARD_IA"
      }
    }
  }

  # Rules on noncurrent versions require versioning.
  depends_on = [aws_s3_bucket_versioning.this]
}
