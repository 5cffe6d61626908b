# Athena table over the predictions, with partition projection instead of a crawler.
resource "aws_glue_catalog_database" "this" {
  count = var.athena ? 1 : 0

  name        = var.glue_database
  description = "Lake of Scorewatch"
}

resource "aws_glue_catalog_table" "predictions" {
  count = var.athena ? 1 : 0

  name          = var.predictions_table
  database_name = aws_glue_catalog_database.this[0].name
  description   = "Prediction events, one row per event. Deliveries may repeat an event; (record.shard, record.sequence_number) identifies it"
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(
    {
      EXTERNAL                    = "TRUE"
      classification              = "json"
      compressionType             = "gzip"
      "projection.enabled"        = "true"
      "storage.location.template" = "s3://${var.lake_bucket}/${var.layout.predictions}/${local.projected_partition}"
    },
    { for name, values in local.projection : "projection.${name}.type" => "integer" },
    { for name, values in local.projection : "projection.${name}.range" => values.range },
    { for name, values in local.projection : "projection.${name}.digits" => values.digits },
  )

  dynamic "partition_keys" {
    for_each = local.partition_names

    content {
      name = partition_keys.value
      type = "string"
    }
  }

  storage_descriptor {
    location      = "s3://${var.lake_bucket}/${var.layout.predictions}/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      name                  = "json"
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
      # The monitor counts damaged lines; one of them must not fail a query.
      parameters = { "ignore.malformed.json" = "true" }
    }

    # Maps instead of structs, so that one table fits the features of every model.
    dynamic "columns" {
      for_each = concat(var.id_column == null ? [] : [{ name = var.id_column, type = "string" }], [
        { name = "features", type = "map<string,string>" },
        { name = "prediction", type = "map<string,string>" },
        { name = "model", type = "struct<name:string,version:string,run_id:string>" },
        { name = "record", type = "struct<shard:string,sequence_number:string,arrived_at:string>" },
        { name = "scored_at", type = "string" },
        { name = "flags", type = "array<string>" },
      ])

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }
  }
}

locals {
  partition_names     = [for part in var.layout.partition : split("=", part)[0]]
  projected_partition = join("/", [for name in local.partition_names : "${name}=$${${name}}"])

  projection = {
    year  = { range = "2024,2045", digits = "4" }
    month = { range = "1,12", digits = "2" }
    day   = { range = "1,31", digits = "2" }
    hour  = { range = "0,23", digits = "2" }
  }
}

resource "aws_athena_workgroup" "this" {
  count = var.athena ? 1 : 0

  name          = var.athena_workgroup
  description   = "Queries of Scorewatch"
  force_destroy = var.force_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena_scan_limit_gb * 1024 * 1024 * 1024

    result_configuration {
      output_location = "s3://${var.lake_bucket}/${var.layout.athena_results}/"

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
  }
}

moved {
  from = aws_glue_catalog_database.this
  to   = aws_glue_catalog_database.this[0]
}

moved {
  from = aws_glue_catalog_table.predictions
  to   = aws_glue_catalog_table.predictions[0]
}

moved {
  from = aws_athena_workgroup.this
  to   = aws_athena_workgroup.this[0]
}
