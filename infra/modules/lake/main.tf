# Two buckets: model artifacts, written by deployments, and the lake, written by services.
module "artifacts" {
  source = "../bucket"

  name                    = var.artifact_bucket
  kms_key_arn             = var.kms_key_arn
  force_destroy           = var.force_destroy
  access_log_bucket       = var.access_log_bucket
  noncurrent_version_days = var.noncurrent_version_days
}

module "lake" {
  source = "../bucket"

  name                    = var.lake_bucket
  kms_key_arn             = var.kms_key_arn
  force_destroy           = var.force_destroy
  access_log_bucket       = var.access_log_bucket
  noncurrent_version_days = var.noncurrent_version_days

  expiration_days        = local.expiration_days
  infrequent_access_days = var.infrequent_access_days == null ? {} : { (var.layout.predictions) = var.infrequent_access_days }
}

locals {
  expiration_days = merge(
    { (var.layout.athena_results) = 7 },
    # Every prefix that holds records, including the monitor's copies (rows, samples, reports).
    var.expiration_days == null ? {} : {
      (var.layout.predictions)     = var.expiration_days
      (var.layout.rejected)        = var.expiration_days
      (var.layout.ground_truth)    = var.expiration_days
      (var.layout.shadow)          = var.expiration_days
      (var.layout.failed)          = var.expiration_days
      (var.layout.delivery_errors) = var.expiration_days
      (var.layout.profiles)        = var.expiration_days
      (var.layout.reports)         = var.expiration_days
    }
  )
}
