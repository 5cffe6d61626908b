resource "aws_kinesis_stream" "this" {
  for_each = {
    input  = { name = var.input_name, shards = var.input_shards }
    output = { name = var.output_name, shards = var.output_shards }
  }

  name             = each.value.name
  shard_count      = each.value.shards
  retention_period = var.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = var.kms_key_arn

  # Registered consumers must not block the stream's deletion.
  enforce_consumer_deletion = true

  stream_mode_details {
    stream_mode = each.value.shards == null ? "ON_DEMAND" : "PROVISIONED"
  }
}
