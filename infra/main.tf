module "stream" {
  source = "./modules/stream"

  input_name      = local.names.input_stream
  output_name     = local.names.output_stream
  input_shards    = var.input_shards
  output_shards   = var.output_shards
  retention_hours = var.stream_retention_hours
  kms_key_arn     = local.kms_key_arn
}

module "lake" {
  source = "./modules/lake"

  arn_prefixes            = local.arn_prefixes
  account_id              = local.account_id
  region                  = local.region
  artifact_bucket         = local.names.artifact_bucket
  lake_bucket             = local.names.lake_bucket
  layout                  = local.layout
  output_stream_arn       = module.stream.output_arn
  kms_key_arn             = local.kms_key_arn
  interval_seconds        = var.delivery_interval_seconds
  size_mb                 = var.delivery_size_mb
  expiration_days         = var.lake_expiration_days
  infrequent_access_days  = var.lake_infrequent_access_days
  access_log_bucket       = var.access_log_bucket
  noncurrent_version_days = var.noncurrent_version_days
  force_destroy           = var.force_destroy
  log_group_prefix        = local.names.delivery_log_groups
  log_retention_days      = var.log_retention_days
  glue_database           = local.names.glue_database
  predictions_table       = local.names.predictions_table
  id_column               = var.id_column
  athena_workgroup        = local.names.athena_workgroup
  athena_scan_limit_gb    = var.athena_scan_limit_gb
  athena                  = var.athena_enabled
  shadow                  = local.shadow
  delivery_encryption     = var.delivery_encryption

  delivery_names = {
    predictions  = local.names.predictions_delivery
    rejected     = local.names.rejected_delivery
    ground_truth = local.names.ground_truth_delivery
    shadow       = local.names.shadow_delivery
  }
  role_settings = local.role_settings
  role_names = {
    predictions  = local.roles.predictions
    rejected     = local.roles.rejected
    ground_truth = local.roles.ground_truth
    shadow       = local.roles.shadowed
  }
}

module "scorer" {
  source = "./modules/scorer"

  name                       = local.names.predict
  http_name                  = local.names.predict_http
  image_users                = [local.names.shadow]
  role_names                 = { stream = local.roles.predict, http = local.roles.predict_http }
  role_settings              = local.role_settings
  image                      = var.predict_image
  alias                      = local.names.predict_alias
  repository                 = var.image_repositories
  region                     = local.region
  arn_prefixes               = local.arn_prefixes
  kms_key_arn                = local.kms_key_arn
  architecture               = var.architecture
  tracing                    = var.tracing
  memory_mb                  = var.predict_memory_mb
  timeout_seconds            = var.predict_timeout_seconds
  reserved_concurrency       = var.predict_reserved_concurrency
  log_retention_days         = var.log_retention_days
  force_destroy              = var.force_destroy
  artifact_bucket_arn        = module.lake.artifact_bucket_arn
  lake_bucket_arn            = module.lake.lake_bucket_arn
  models_prefix              = local.layout.models
  failed_prefix              = local.layout.failed
  model_name                 = local.model_name
  input_stream_arn           = module.stream.input_arn
  output_stream_arn          = module.stream.output_arn
  rejected_delivery_arn      = module.lake.delivery_arns["rejected"]
  batch_size                 = var.batch_size
  batching_window_seconds    = var.batching_window_seconds
  parallelization_factor     = var.parallelization_factor
  maximum_retry_attempts     = var.maximum_retry_attempts
  maximum_record_age_seconds = var.maximum_record_age_seconds
  http_enabled               = var.http_enabled
  http_identity              = var.http_identity
  http_reserved_concurrency  = var.http_reserved_concurrency
  vpc                        = local.vpc

  candidate = {
    image       = var.candidate_image
    environment = var.candidate_model_version == null ? {} : { MODEL_VERSION = var.candidate_model_version }
  }

  environment = merge(local.model_environment, {
    OUTPUT_STREAM     = module.stream.output_name
    REJECTED_STREAM   = module.lake.delivery_names["rejected"]
    OBJECTIVE_SECONDS = tostring(var.scoring_objective_seconds)
    OUTPUT_RECORD_KB  = tostring(var.output_record_kb)
  })
}

module "monitor" {
  source = "./modules/monitor"

  name                  = local.names.monitor
  failed_queue          = local.names.monitor_failed_queue
  more_functions        = [local.names.guard, "${local.names.notify}-*"]
  role_names            = { function = local.roles.monitor, schedule = local.roles.schedule }
  role_settings         = local.role_settings
  image                 = var.monitor_image
  repository            = var.image_repositories
  account_id            = local.account_id
  region                = local.region
  arn_prefixes          = local.arn_prefixes
  kms_key_arn           = local.kms_key_arn
  architecture          = var.architecture
  tracing               = var.tracing
  memory_mb             = var.monitor_memory_mb
  reserved_concurrency  = var.monitor_reserved_concurrency
  timeout_seconds       = var.monitor_timeout_seconds
  log_retention_days    = var.log_retention_days
  force_destroy         = var.force_destroy
  artifact_bucket_arn   = module.lake.artifact_bucket_arn
  lake_bucket_arn       = module.lake.lake_bucket_arn
  models_prefix         = local.layout.models
  layout                = local.layout
  model_name            = local.model_name
  schedule              = var.schedule
  alert_topic_arn       = module.alerts.topic_arn
  alert_topic_key_arn   = local.alert_topic_key_arn
  vpc                   = local.vpc
  athena                = var.athena_enabled && var.athena_min_mb > 0
  athena_workgroup_arn  = module.lake.athena_workgroup_arn
  glue_catalog_arn      = "arn:${local.partition}:glue:${local.region}:${local.account_id}:catalog"
  glue_database_arn     = module.lake.glue_database_arn
  predictions_table_arn = module.lake.predictions_table_arn

  environment = merge(local.model_environment, {
    ENVIRONMENT       = var.environment
    LAKE_BUCKET       = module.lake.lake_bucket
    INPUT_STREAM      = module.stream.input_name
    PREDICT_FUNCTION  = local.names.predict
    ALERT_TOPIC_ARN   = module.alerts.topic_arn
    WINDOW_HOURS      = tostring(var.window_hours)
    REMINDER_HOURS    = tostring(var.reminder_hours)
    REPORT_LINK_HOURS = tostring(var.report_link_hours)
    METRIC_LIMIT      = tostring(var.metric_limit)
    LABEL_DELAY_DAYS  = tostring(var.label_delay_days)
    ATHENA_WORKGROUP  = var.athena_enabled ? module.lake.athena_workgroup : ""
    GLUE_DATABASE     = var.athena_enabled ? module.lake.glue_database : ""
    PREDICTIONS_TABLE = var.athena_enabled ? module.lake.predictions_table : ""
    ID_COLUMN         = var.id_column == null ? "" : var.id_column
    ATHENA_MIN_BYTES  = tostring(var.athena_enabled ? var.athena_min_mb * 1024 * 1024 : 0)
  })
}

module "guard" {
  source = "./modules/guard"
  count  = local.guard ? 1 : 0

  name                = local.names.guard
  role_name           = local.roles.guard
  role_settings       = local.role_settings
  predict_function    = local.names.predict
  predict_alias       = local.names.predict_alias
  use_case            = var.use_case
  environment         = var.environment
  alert_topic_arn     = module.alerts.topic_arn
  alert_topic_key_arn = local.alert_topic_key_arn
  image               = var.monitor_image
  architecture        = var.architecture
  region              = local.region
  arn_prefixes        = local.arn_prefixes
  kms_key_arn         = local.kms_key_arn
  log_retention_days  = var.log_retention_days
  vpc                 = local.vpc
}

module "notifier" {
  source   = "./modules/notifier"
  for_each = var.monitor_image == null ? {} : var.notify_channels

  name               = "${local.names.notify}-${each.key}"
  failed_queue       = "${local.names.notify}-${each.key}-failed"
  role_name          = local.roles["notify-${each.key}"]
  role_settings      = local.role_settings
  channel            = each.key
  service            = each.value.service
  webhook_hosts      = length(each.value.webhook_hosts) > 0 ? each.value.webhook_hosts : local.webhook_hosts[each.value.service]
  severities         = each.value.severities
  checks             = each.value.checks
  secret_arn         = each.value.secret_arn
  secret_key_arn     = each.value.secret_key_arn
  topic_arn          = module.alerts.topic_arn
  image              = var.monitor_image
  architecture       = var.architecture
  region             = local.region
  arn_prefixes       = local.arn_prefixes
  kms_key_arn        = local.kms_key_arn
  tracing            = var.tracing
  log_retention_days = var.log_retention_days
  force_destroy      = var.force_destroy
  lake_bucket        = module.lake.lake_bucket
  lake_bucket_arn    = module.lake.lake_bucket_arn
  alerts_prefix      = local.layout.alerts
  model_name         = local.model_name
  dashboard          = var.dashboard ? local.names.dashboard : ""
  vpc                = local.vpc
}

module "access" {
  source = "./modules/access"

  names               = local.names.access_policies
  region              = local.region
  kms_key_arn         = local.kms_key_arn
  input_stream_arn    = module.stream.input_arn
  ground_truth_arn    = module.lake.delivery_arns["ground_truth"]
  lake_bucket_arn     = module.lake.lake_bucket_arn
  ground_truth_prefix = local.layout.ground_truth
  reports_prefix      = local.layout.reports
  http_function_arn   = var.http_enabled && var.predict_image != null ? "${local.arn_prefixes.function}${local.names.predict_http}" : null
}

module "alerts" {
  source = "./modules/alerts"

  prefix                    = local.prefix
  topic                     = local.names.alert_topic
  own_topic_arn             = var.alert_topic_arn
  notifier_prefix           = "${local.names.notify}-"
  emails                    = var.alert_emails
  kms_key_arn               = local.kms_key_arn
  partition                 = local.partition
  region                    = local.region
  account_id                = local.account_id
  input_stream              = local.names.input_stream
  output_stream             = local.names.output_stream
  delivery_interval_seconds = var.delivery_interval_seconds
  predict_function          = var.predict_image == null ? null : local.names.predict
  event_source_mapping_id   = module.scorer.event_source_mapping_id
  monitor_function          = var.monitor_image == null ? null : local.names.monitor
  guard_function            = local.guard ? local.names.guard : null
  monitor_failed_queue      = local.names.monitor_failed_queue
  metrics_namespace         = local.names.metrics_namespace
  use_case                  = var.use_case
  scoring_objective_seconds = var.scoring_objective_seconds
  scoring_target_percent    = var.scoring_target_percent
  lake_objective_seconds    = var.lake_objective_seconds
  lake_target_percent       = var.lake_target_percent
  objective_min_records     = var.objective_min_records
  rejected_alarm_percent    = var.rejected_alarm_percent
  monitor_silence_hours     = var.monitor_silence_hours

  delivery_names = {
    predictions  = local.names.predictions_delivery
    rejected     = local.names.rejected_delivery
    ground_truth = local.names.ground_truth_delivery
  }
}

module "dashboard" {
  source = "./modules/dashboard"
  count  = var.dashboard ? 1 : 0

  name              = local.names.dashboard
  region            = local.region
  arn_prefix        = local.arn_prefixes.alarm
  metrics_namespace = local.names.metrics_namespace
  use_case          = var.use_case
  predict_function  = local.names.predict
  monitor_function  = local.names.monitor
  alarms            = values(module.alerts.alarms)

  delivery_names = {
    predictions = local.names.predictions_delivery
    rejected    = local.names.rejected_delivery
  }
}

locals {
  # The guard runs the monitor's image, and watches over the releases of the prediction function.
  guard               = var.predict_image != null && var.monitor_image != null
  alert_topic_key_arn = var.alert_topic_arn == null ? local.kms_key_arn : var.alert_topic_key_arn

  model_environment = {
    ARTIFACT_BUCKET = module.lake.artifact_bucket
    MODEL_NAME      = local.model_name
    MODEL_VERSION   = var.model_version
    USE_CASE        = var.use_case

    METRICS_NAMESPACE = local.names.metrics_namespace
  }
}
