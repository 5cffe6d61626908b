provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  role_settings = { path = "/services/", permissions_boundary = "arn:aws:iam::123456789012:policy/boundary" }
  arn_prefixes = {
    bucket    = "arn:aws:s3:::"
    log_group = "arn:aws:logs:eu-west-1:123456789012:log-group:"
  }

  account_id              = "123456789012"
  region                  = "eu-west-1"
  artifact_bucket         = "artifacts"
  lake_bucket             = "lake"
  output_stream_arn       = "arn:aws:kinesis:eu-west-1:123456789012:stream/output"
  kms_key_arn             = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  interval_seconds        = 300
  size_mb                 = 64
  expiration_days         = null
  infrequent_access_days  = null
  noncurrent_version_days = 30
  access_log_bucket       = null
  force_destroy           = false
  log_group_prefix        = "/aws/kinesisfirehose/scorewatch-green-taxi"
  log_retention_days      = 365
  glue_database           = "scorewatch_green_taxi"
  predictions_table       = "predictions"
  athena_workgroup        = "scorewatch-green-taxi"
  id_column               = "ride_id"
  athena_scan_limit_gb    = 100
  athena                  = true
  delivery_encryption     = "stack_key"
  shadow                  = false

  role_names = {
    predictions  = "predictions-eu-west-1"
    rejected     = "rejected-eu-west-1"
    ground_truth = "ground-truth-eu-west-1"
    shadow       = "shadow-events-eu-west-1"
  }
  delivery_names = {
    predictions  = "predictions"
    rejected     = "rejected"
    ground_truth = "ground-truth"
    shadow       = "shadow-events"
  }
  layout = {
    predictions     = "predictions"
    rejected        = "rejected"
    ground_truth    = "ground_truth"
    shadow          = "shadow"
    failed          = "aws/lambda"
    profiles        = "profiles"
    reports         = "reports"
    delivery_errors = "delivery-errors"
    athena_results  = "athena-results"
    partition       = ["year=%Y", "month=%m", "day=%d", "hour=%H"]
  }
}

run "deliveries_follow_the_layout" {
  command = plan

  module {
    source = "./modules/lake"
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.delivery : role.path == "/services/" && role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"])
    error_message = "Roles must have the given path and permissions boundary."
  }
  assert {
    condition = alltrue([
      for key, prefix in { predictions = "predictions", rejected = "rejected", ground_truth = "ground_truth" } :
      aws_kinesis_firehose_delivery_stream.this[key].extended_s3_configuration[0].prefix ==
      "${prefix}/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
    ])
    error_message = "The hour partitions must be those Python reads."
  }
  assert {
    condition = alltrue([
      for delivery in aws_kinesis_firehose_delivery_stream.this :
      startswith(delivery.extended_s3_configuration[0].error_output_prefix, "delivery-errors/") &&
      delivery.extended_s3_configuration[0].compression_format == "GZIP" &&
      delivery.extended_s3_configuration[0].kms_key_arn == var.kms_key_arn &&
      delivery.extended_s3_configuration[0].cloudwatch_logging_options[0].enabled
    ])
    error_message = "A delivery must compress, encrypt, log, and keep undelivered records."
  }
  assert {
    condition     = aws_kinesis_firehose_delivery_stream.this["predictions"].kinesis_source_configuration[0].kinesis_stream_arn == var.output_stream_arn
    error_message = "The source of the predictions must be the output stream."
  }
  assert {
    condition     = [for p in aws_kinesis_firehose_delivery_stream.this["ground_truth"].extended_s3_configuration[0].processing_configuration[0].processors : p.type] == ["AppendDelimiterToRecord"] && aws_kinesis_firehose_delivery_stream.this["ground_truth"].extended_s3_configuration[0].processing_configuration[0].enabled
    error_message = "The ground truth's delivery must end each record with a newline."
  }
  assert {
    condition     = alltrue([for key in ["predictions", "rejected"] : length(aws_kinesis_firehose_delivery_stream.this[key].extended_s3_configuration[0].processing_configuration) == 0])
    error_message = "Events end with a newline already."
  }
  assert {
    condition     = alltrue([for key in ["rejected", "ground_truth"] : aws_kinesis_firehose_delivery_stream.this[key].server_side_encryption[0].key_arn == var.kms_key_arn])
    error_message = "Deliveries with direct puts must encrypt their buffers."
  }
}

run "deliveries_encrypt_with_the_key_of_the_service" {
  command = plan

  variables {
    delivery_encryption = "aws_owned_key"
  }

  module {
    source = "./modules/lake"
  }

  assert {
    condition     = alltrue([for key in ["rejected", "ground_truth"] : aws_kinesis_firehose_delivery_stream.this[key].server_side_encryption[0].key_type == "AWS_OWNED_CMK" && aws_kinesis_firehose_delivery_stream.this[key].server_side_encryption[0].key_arn == null])
    error_message = "delivery_encryption = \"aws_owned_key\" must encrypt without the stack's key."
  }
}

run "deliveries_without_encryption_of_their_buffers" {
  command = plan

  variables {
    delivery_encryption = "none"
  }

  module {
    source = "./modules/lake"
  }

  assert {
    condition     = alltrue([for delivery in aws_kinesis_firehose_delivery_stream.this : length(delivery.server_side_encryption) == 0 && delivery.extended_s3_configuration[0].kms_key_arn == var.kms_key_arn])
    error_message = "delivery_encryption = \"none\" must leave out the buffers' encryption, and only that."
  }
}

run "athena_table_has_the_same_partitions" {
  command = plan

  module {
    source = "./modules/lake"
  }

  assert {
    condition     = aws_glue_catalog_table.predictions[0].parameters["storage.location.template"] == "s3://lake/predictions/year=$${year}/month=$${month}/day=$${day}/hour=$${hour}"
    error_message = "Athena's location template must match the layout."
  }
  assert {
    condition     = [for key in aws_glue_catalog_table.predictions[0].partition_keys : key.name] == ["year", "month", "day", "hour"]
    error_message = "The partition columns must be the layout's."
  }
  assert {
    condition     = alltrue([for name in ["year", "month", "day", "hour"] : contains(keys(aws_glue_catalog_table.predictions[0].parameters), "projection.${name}.range")])
    error_message = "A partition column without a range fails every query."
  }
  assert {
    condition     = aws_glue_catalog_table.predictions[0].storage_descriptor[0].columns[0].name == "ride_id"
    error_message = "The table must have the id column."
  }
}

run "table_without_an_id_column" {
  command = plan

  variables {
    id_column = null
  }

  module {
    source = "./modules/lake"
  }

  assert {
    condition     = aws_glue_catalog_table.predictions[0].storage_descriptor[0].columns[0].name == "features"
    error_message = "Without an id column the table must still be created."
  }
}

run "firehose_assumes_its_roles_for_this_account_only" {
  command = plan

  module {
    source = "./modules/lake"
  }

  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.delivery_trust.json).Statement :
      s.Principal.Service == "firehose.amazonaws.com" && s.Condition == { StringEquals = { "sts:ExternalId" = var.account_id } }
    ])
    error_message = "The trust policy must be that of Firehose's guide: the account as external id, and no other condition."
  }
}

run "a_delivery_writes_only_under_its_prefix" {
  command = plan

  module {
    source = "./modules/lake"
  }

  assert {
    condition = alltrue([
      for key, document in data.aws_iam_policy_document.delivery : alltrue([
        for s in jsondecode(document.json).Statement :
        toset(s.Resource) == toset(["arn:aws:s3:::lake/${key}/*", "arn:aws:s3:::lake/delivery-errors/${key}/*"])
        if s.Sid == "WriteObjects"
      ])
    ])
    error_message = "A delivery must write only under its own prefixes."
  }
  assert {
    condition = alltrue([
      for key, document in data.aws_iam_policy_document.delivery :
      anytrue([for s in jsondecode(document.json).Statement : s.Sid == "ReadStream"]) == (key == "predictions")
    ])
    error_message = "Only the predictions' delivery may read the stream."
  }
  assert {
    condition = alltrue(flatten([
      for document in data.aws_iam_policy_document.delivery : [
        for s in jsondecode(document.json).Statement : [for r in flatten([s.Resource]) : startswith(r, "arn:")]
      ]
    ]))
    error_message = "Every statement must name its resources."
  }
}

run "unknown_partitions_are_rejected" {
  command = plan

  module {
    source = "./modules/lake"
  }
  variables {
    layout = {
      predictions     = "predictions"
      rejected        = "rejected"
      ground_truth    = "ground_truth"
      shadow          = "shadow"
      failed          = "aws/lambda"
      profiles        = "profiles"
      reports         = "reports"
      delivery_errors = "delivery-errors"
      athena_results  = "athena-results"
      partition       = ["day=%Y-%m-%d"]
    }
  }

  expect_failures = [var.layout]
}

run "all_prefixes_with_records_expire" {
  command = plan

  variables {
    expiration_days = 90
  }

  module {
    source = "./modules/lake"
  }

  assert {
    condition = alltrue([
      for prefix in ["predictions", "rejected", "ground_truth", "aws/lambda", "delivery-errors", "profiles", "reports"] : local.expiration_days[prefix] == 90
    ])
    error_message = "Every prefix that holds records must expire after lake_expiration_days."
  }
}

run "no_table_without_athena" {
  command = plan

  variables {
    athena = false
  }

  module {
    source = "./modules/lake"
  }

  assert {
    condition     = length(aws_glue_catalog_database.this) + length(aws_glue_catalog_table.predictions) + length(aws_athena_workgroup.this) == 0
    error_message = "athena = false must leave out database, table and workgroup."
  }
}
