locals {
  # The layout uses Python's strftime directives; Firehose needs Java's date letters.
  partition = replace(replace(replace(replace(join("/", var.layout.partition),
    "%Y", "!{timestamp:yyyy}"), "%m", "!{timestamp:MM}"), "%d", "!{timestamp:dd}"), "%H", "!{timestamp:HH}"
  )

  delivery_log_groups = { for key in keys(local.deliveries) : key => "${var.log_group_prefix}-${replace(key, "_", "-")}" }

  deliveries = merge(
    {
      predictions  = { name = var.delivery_names.predictions, prefix = var.layout.predictions, from_stream = true }
      rejected     = { name = var.delivery_names.rejected, prefix = var.layout.rejected, from_stream = false }
      ground_truth = { name = var.delivery_names.ground_truth, prefix = var.layout.ground_truth, from_stream = false }
    },
    var.shadow ? { shadow = { name = var.delivery_names.shadow, prefix = var.layout.shadow, from_stream = false } } : {}
  )
}

# The functions end each event with a newline, so that objects are JSON lines without processing in Firehose.
resource "aws_kinesis_firehose_delivery_stream" "this" {
  for_each = local.deliveries

  name        = each.value.name
  destination = "extended_s3"

  dynamic "kinesis_source_configuration" {
    for_each = each.value.from_stream ? [var.output_stream_arn] : []

    content {
      kinesis_stream_arn = kinesis_source_configuration.value
      role_arn           = aws_iam_role.delivery[each.key].arn
    }
  }

  # A delivery with a stream as its source uses the stream's encryption.
  dynamic "server_side_encryption" {
    for_each = each.value.from_stream || var.delivery_encryption == "none" ? [] : [var.delivery_encryption]

    content {
      enabled  = true
      key_type = server_side_encryption.value == "stack_key" ? "CUSTOMER_MANAGED_CMK" : "AWS_OWNED_CMK"
      key_arn  = server_side_encryption.value == "stack_key" ? var.kms_key_arn : null
    }
  }

  extended_s3_configuration {
    bucket_arn          = module.lake.arn
    role_arn            = aws_iam_role.delivery[each.key].arn
    prefix              = "${each.value.prefix}/${local.partition}/"
    error_output_prefix = "${var.layout.delivery_errors}/${each.value.prefix}/!{firehose:error-output-type}/${local.partition}/"
    buffering_interval  = var.interval_seconds
    buffering_size      = var.size_mb
    compression_format  = "GZIP"
    kms_key_arn         = var.kms_key_arn

    # Labels come from other programs, which may not end them with a newline; readers skip empty lines.
    dynamic "processing_configuration" {
      for_each = each.key == "ground_truth" ? [true] : []

      content {
        enabled = processing_configuration.value

        processors {
          type = "AppendDelimiterToRecord"
        }
      }
    }

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.delivery[each.key].name
      log_stream_name = aws_cloudwatch_log_stream.delivery[each.key].name
    }
  }

  depends_on = [aws_iam_role_policy.delivery]
}

resource "aws_cloudwatch_log_group" "delivery" {
  for_each = local.deliveries

  name              = local.delivery_log_groups[each.key]
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_log_stream" "delivery" {
  for_each = aws_cloudwatch_log_group.delivery

  name           = "s3"
  log_group_name = each.value.name
}
