# A model in shadow: the prediction function once more, with another model. It reads the input stream by itself and
# writes under a prefix of its own, so that nothing of the live function depends on it.
locals {
  shadow = var.shadow != null && var.predict_image != null
}

module "shadow" {
  source = "./modules/scorer"
  count  = local.shadow ? 1 : 0

  name                       = local.names.shadow
  http_name                  = null
  role_names                 = { stream = local.roles.shadow, http = null }
  role_settings              = local.role_settings
  image                      = coalesce(var.shadow.image, var.predict_image)
  alias                      = null
  candidate                  = { image = null, environment = {} }
  shadow                     = { consumer = local.names.shadow_consumer, since = var.shadow.since }
  repository                 = false
  region                     = local.region
  arn_prefixes               = local.arn_prefixes
  kms_key_arn                = local.kms_key_arn
  architecture               = var.architecture
  tracing                    = var.tracing
  memory_mb                  = var.predict_memory_mb
  timeout_seconds            = var.predict_timeout_seconds
  reserved_concurrency       = var.shadow_reserved_concurrency
  log_retention_days         = var.log_retention_days
  force_destroy              = var.force_destroy
  artifact_bucket_arn        = module.lake.artifact_bucket_arn
  lake_bucket_arn            = module.lake.lake_bucket_arn
  models_prefix              = local.layout.models
  failed_prefix              = local.layout.failed
  model_name                 = local.model_name
  input_stream_arn           = module.stream.input_arn
  output_stream_arn          = module.stream.output_arn
  rejected_delivery_arn      = module.lake.delivery_arns["shadow"]
  batch_size                 = var.batch_size
  batching_window_seconds    = var.batching_window_seconds
  parallelization_factor     = var.parallelization_factor
  maximum_retry_attempts     = var.maximum_retry_attempts
  maximum_record_age_seconds = var.maximum_record_age_seconds
  http_enabled               = false
  http_identity              = var.http_identity
  http_reserved_concurrency  = null
  vpc                        = local.vpc

  environment = merge(local.model_environment, {
    MODEL_VERSION     = var.shadow.model_version
    METRICS_NAMESPACE = local.names.shadow_namespace
    SHADOW_STREAM     = module.lake.delivery_names["shadow"]
    OBJECTIVE_SECONDS = tostring(var.scoring_objective_seconds)
    # Only the lake's readers see the records, and Firehose bills them in steps of 5 KB.
    OUTPUT_RECORD_KB = "25"
  })
}
