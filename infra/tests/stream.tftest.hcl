provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  input_name      = "input"
  output_name     = "output"
  input_shards    = 2
  output_shards   = null
  retention_hours = 24
  kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "streams" {
  command = plan

  module {
    source = "./modules/stream"
  }

  assert {
    condition     = aws_kinesis_stream.this["input"].shard_count == 2 && aws_kinesis_stream.this["input"].stream_mode_details[0].stream_mode == "PROVISIONED"
    error_message = "A number of shards must give provisioned capacity."
  }
  assert {
    condition     = aws_kinesis_stream.this["output"].stream_mode_details[0].stream_mode == "ON_DEMAND"
    error_message = "A null number of shards must give on-demand capacity."
  }
  assert {
    condition     = alltrue([for stream in aws_kinesis_stream.this : stream.encryption_type == "KMS" && stream.kms_key_id == var.kms_key_arn])
    error_message = "Every stream must be encrypted with the given key."
  }
}
