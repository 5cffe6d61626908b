provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  region              = "eu-west-1"
  kms_key_arn         = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  input_stream_arn    = "arn:aws:kinesis:eu-west-1:123456789012:stream/input"
  ground_truth_arn    = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/ground-truth"
  lake_bucket_arn     = "arn:aws:s3:::lake"
  ground_truth_prefix = "ground_truth"
  reports_prefix      = "reports"
  http_function_arn   = null

  names = {
    producer      = "scorewatch-green-taxi-producer"
    label_sender  = "scorewatch-green-taxi-label-sender"
    report_reader = "scorewatch-green-taxi-report-reader"
  }
}

run "policies_grant_exactly_what_each_user_needs" {
  command = plan

  module {
    source = "./modules/access"
  }

  assert {
    condition = toset(flatten([for s in jsondecode(aws_iam_policy.this["producer"].policy).Statement : [for a in flatten([s.Action]) : "${a} ${s.Resource}"]])) == toset([
      "kinesis:PutRecord arn:aws:kinesis:eu-west-1:123456789012:stream/input",
      "kinesis:PutRecords arn:aws:kinesis:eu-west-1:123456789012:stream/input",
      "kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    ])
    error_message = "A producer must have exactly the rights to put records."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(aws_iam_policy.this["label_sender"].policy).Statement : [for a in flatten([s.Action]) : "${a} ${s.Resource}"]])) == toset([
      "firehose:PutRecord arn:aws:firehose:eu-west-1:123456789012:deliverystream/ground-truth",
      "firehose:PutRecordBatch arn:aws:firehose:eu-west-1:123456789012:deliverystream/ground-truth",
      "s3:PutObject arn:aws:s3:::lake/ground_truth/*",
      "kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
      "kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    ])
    error_message = "A label sender must have exactly the rights to send ground truth."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(aws_iam_policy.this["report_reader"].policy).Statement : [for a in flatten([s.Action]) : "${a} ${s.Resource}"]])) == toset([
      "s3:GetObject arn:aws:s3:::lake/reports/*",
      "s3:ListBucket arn:aws:s3:::lake",
      "kms:Decrypt arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    ])
    error_message = "A report reader must have exactly the rights to read reports."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(aws_iam_policy.this["report_reader"].policy).Statement : s.Condition.StringLike["s3:prefix"] == "reports/*"
      if s.Action == "s3:ListBucket"
    ])
    error_message = "A report reader must list only the reports."
  }
  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_policy.this : [
        for s in jsondecode(policy.policy).Statement : can(s.Condition.StringEquals["kms:ViaService"]) if s.Resource == var.kms_key_arn
      ]
    ]))
    error_message = "The key must be usable only through the services."
  }
}

run "a_producer_may_score_over_http_if_enabled" {
  command = plan

  variables {
    http_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:http"
  }

  module {
    source = "./modules/access"
  }

  assert {
    condition = toset([
      for s in jsondecode(aws_iam_policy.this["producer"].policy).Statement : s.Action if s.Resource == var.http_function_arn
    ]) == toset(["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"])
    error_message = "With HTTP enabled a producer must be able to call the function URL."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(aws_iam_policy.this["producer"].policy).Statement : s.Condition.Bool["lambda:InvokedViaFunctionUrl"] == "true"
      if s.Action == "lambda:InvokeFunction"
    ])
    error_message = "A producer must not invoke the function directly."
  }
}
