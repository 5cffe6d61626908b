# All resource names. Modules receive them as variables, Python reads them from the outputs.
locals {
  project = "scorewatch"

  # Environment and use case: two dashes end the environment, and no use case has two, so that no two stacks share a
  # name. The longest function name has 34 more characters, of 64.
  stack_whole = trimprefix("${var.environment}--${replace(var.use_case, "_", "-")}", "--")
  stack = length(local.stack_whole) <= 30 ? local.stack_whole : join("-", [
    replace(substr(local.stack_whole, 0, 23), "/-+$/", ""), substr(sha256(local.stack_whole), 0, 6)
  ])
  prefix = "${local.project}-${local.stack}"

  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.name
  partition  = data.aws_partition.current.partition

  # Bucket names are global. A hash of account and region makes them unique without exposing the account id.
  bucket_suffix = substr(sha256("${local.account_id} ${local.region}"), 0, 8)

  names = {
    key_alias             = "alias/${local.prefix}"
    input_stream          = "${local.prefix}-input"
    output_stream         = "${local.prefix}-output"
    artifact_bucket       = "${local.prefix}-artifacts-${local.bucket_suffix}"
    lake_bucket           = "${local.prefix}-lake-${local.bucket_suffix}"
    predictions_delivery  = "${local.prefix}-predictions"
    rejected_delivery     = "${local.prefix}-rejected"
    ground_truth_delivery = "${local.prefix}-ground-truth"
    shadow_delivery       = "${local.prefix}-shadow-events"
    predict               = "${local.prefix}-predict"
    predict_http          = "${local.prefix}-predict-http"
    predict_alias         = "live"
    shadow                = "${local.prefix}-shadow"
    shadow_consumer       = "shadow"
    monitor               = "${local.prefix}-monitor"
    guard                 = "${local.prefix}-guard"
    monitor_failed_queue  = "${local.prefix}-monitor-failed"
    alert_topic           = "${local.prefix}-alerts"
    notify                = "${local.prefix}-notify"
    glue_database         = replace(local.prefix, "-", "_")
    predictions_table     = "predictions"
    athena_workgroup      = local.prefix
    lambda_log_groups     = "/aws/lambda/${local.prefix}"
    delivery_log_groups   = "/aws/kinesisfirehose/${local.prefix}"
    metrics_namespace     = join("/", compact(["Scorewatch", var.environment]))
    # No environment has a capital letter.
    shadow_namespace = join("/", compact(["Scorewatch", var.environment, "Shadow"]))
    # Dashboard names are global in an account.
    dashboard = "${local.prefix}-${local.region}"

    # IAM policy names are global in an account.
    access_policies = {
      producer      = "${local.prefix}-producer-${local.region}"
      label_sender  = "${local.prefix}-label-sender-${local.region}"
      report_reader = "${local.prefix}-report-reader-${local.region}"
    }
  }

  # IAM role names are global in an account and have at most 64 characters: a longer name is cut, and a hash
  # keeps it unique.
  role_suffix = var.role_names_with_region ? "-${local.region}" : ""
  roles = {
    for key, name in merge({ for channel in keys(var.notify_channels) : "notify-${channel}" => "${local.names.notify}-${channel}" }, {
      predict      = local.names.predict
      predict_http = local.names.predict_http
      monitor      = local.names.monitor
      guard        = local.names.guard
      schedule     = "${local.names.monitor}-schedule"
      predictions  = local.names.predictions_delivery
      rejected     = local.names.rejected_delivery
      ground_truth = local.names.ground_truth_delivery
      shadow       = local.names.shadow
      shadowed     = local.names.shadow_delivery
    }) :
    key => length(name) + length(local.role_suffix) <= 64 ? "${name}${local.role_suffix}" : join("", [
      substr(name, 0, 57 - length(local.role_suffix)), "-", substr(sha256(name), 0, 6), local.role_suffix
    ])
  }

  arn_prefixes = {
    bucket    = "arn:${local.partition}:s3:::"
    alarm     = "arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}:alarm:"
    function  = "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:"
    log_group = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:"
    queue     = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:"
  }

  # The registry's name, which is the same in every environment.
  model_name = "${local.project}-${replace(var.use_case, "_", "-")}"
  layout     = jsondecode(file("${path.module}/../contract/layout.json"))

  role_settings = { path = var.role_path, permissions_boundary = var.permissions_boundary_arn }

  tags = merge(
    var.tags,
    { Project = local.project, UseCase = var.use_case },
    var.environment == "" ? {} : { Environment = var.environment },
  )
}
