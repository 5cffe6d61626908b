provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  name                    = "lake"
  kms_key_arn             = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  force_destroy           = false
  access_log_bucket       = null
  noncurrent_version_days = 30
}

run "private_and_encrypted" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy &&
      aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    )
    error_message = "Every kind of public access must be blocked."
  }
  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.this.rule :
      rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    ])
    error_message = "The bucket must be encrypted with the given key."
  }
  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Overwritten objects must be restorable."
  }
  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "terraform destroy must not delete data by default."
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id] == ["clean-up"]
    error_message = "Objects must not expire by default."
  }
  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "There must be no access log by default."
  }
}

run "optional_rules_and_access_log" {
  command = plan

  module {
    source = "./modules/bucket"
  }
  variables {
    access_log_bucket      = "account-logs"
    expiration_days        = { predictions = 90, rejected = 90 }
    infrequent_access_days = { predictions = 30 }
  }

  assert {
    condition = toset([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : "${rule.id} ${rule.filter[0].prefix}"]) == toset([
      "clean-up ", "expire-predictions predictions/", "expire-rejected rejected/", "infrequent-access-predictions predictions/",
    ])
    error_message = "A requested lifecycle rule is missing."
  }
  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == "account-logs" && aws_s3_bucket_logging.this[0].target_prefix == "lake/"
    error_message = "The access log must go to the given bucket."
  }
}
