# What a company has already. Plans with the real provider, which renders the policies; nothing is called.
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

variables {
  use_case      = "green_taxi"
  model_version = "1"
  predict_image = "registry.example/predict:1"
  monitor_image = "registry.example/monitor:1"
}

run "nothing_of_the_companys_own" {
  command = plan

  assert {
    condition     = length(aws_kms_key.this) == 1 && length(aws_kms_alias.this) == 1
    error_message = "By default there must be a key of the stack."
  }
  assert {
    condition     = [for s in jsondecode(output.kms_key_statements).Statement : s.Sid] == ["LogGroupsOfThisUseCase", "AlarmsPublishToTheTopic"]
    error_message = "The key must let logs and alarms use it."
  }
  assert {
    condition     = local.vpc == null && flatten([module.scorer.subnet_ids, module.monitor.subnet_ids]) == []
    error_message = "By default the functions must be in no VPC."
  }
  assert {
    condition = toset(output.vpc_endpoint_services) == toset([
      for service in ["s3", "kinesis-streams", "kinesis-firehose", "sns", "monitoring", "lambda", "athena"] : "com.amazonaws.eu-west-1.${service}"
    ])
    error_message = "Endpoints must be those of the services that the functions call."
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:210987654321:key/mrk-1234abcd12ab34cd56ef1234567890ab"
  }

  assert {
    condition     = length(aws_kms_key.this) == 0 && length(aws_kms_alias.this) == 0
    error_message = "With a key of its own the stack must create neither key nor alias."
  }
  assert {
    condition     = output.kms_key_arn == var.kms_key_arn
    error_message = "Everything must be encrypted with the given key."
  }
}

run "own_topic" {
  command = plan

  variables {
    alert_topic_arn     = "arn:aws:sns:eu-west-1:123456789012:operations"
    alert_topic_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  }

  assert {
    condition     = output.alert_topic_arn == var.alert_topic_arn
    error_message = "Alerts must go to the given topic."
  }
  assert {
    condition     = [for s in jsondecode(output.kms_key_statements).Statement : s.Sid] == ["LogGroupsOfThisUseCase"]
    error_message = "The stack's key must not be open to alarms that do not use it."
  }
}

run "own_topic_needs_own_subscriptions" {
  command = plan

  variables {
    alert_topic_arn = "arn:aws:sns:eu-west-1:123456789012:operations"
    alert_emails    = ["team@example.com"]
  }

  expect_failures = [var.alert_topic_arn]
}

run "topic_and_key_of_another_region" {
  command = plan

  variables {
    kms_key_arn     = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"
    alert_topic_arn = "arn:aws:sns:us-east-1:123456789012:operations"
  }

  expect_failures = [var.kms_key_arn, var.alert_topic_arn]
}

run "topic_of_another_account" {
  command = plan

  variables {
    alert_topic_arn = "arn:aws:sns:eu-west-1:210987654321:operations"
  }

  expect_failures = [var.alert_topic_arn]
}

run "own_network" {
  command = plan

  variables {
    vpc_subnet_ids         = ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]
    vpc_security_group_ids = ["sg-0a1b2c3d"]
    http_enabled           = true
    athena_enabled         = false
    notify_channels        = { team = {} }
  }

  assert {
    condition     = local.vpc.subnet_ids == tolist(["subnet-0a1b2c3d", "subnet-1a2b3c4d"]) && local.vpc.security_group_ids == tolist(["sg-0a1b2c3d"])
    error_message = "The functions must be in the given subnets."
  }
  assert {
    condition = [
      for ids in concat(module.scorer.subnet_ids, module.monitor.subnet_ids, module.guard[*].subnet_ids, values(module.notifier)[*].subnet_ids) : toset(ids)
    ] == [for function in ["stream", "http", "monitor", "guard", "team"] : toset(var.vpc_subnet_ids)]
    error_message = "Every function must be in the given subnets."
  }
  assert {
    condition     = contains(output.vpc_endpoint_services, "com.amazonaws.eu-west-1.secretsmanager") && !contains(output.vpc_endpoint_services, "com.amazonaws.eu-west-1.athena")
    error_message = "Endpoints must follow what is enabled."
  }
}

run "wrong_values" {
  command = plan

  variables {
    kms_key_arn            = "alias/company"
    alert_topic_arn        = "arn:aws:sns:eu-west-1:123456789012:operations.fifo"
    vpc_security_group_ids = ["default"]
    access_log_bucket      = "arn:aws:s3:::logs"
  }

  expect_failures = [
    var.kms_key_arn,
    var.alert_topic_arn,
    var.vpc_security_group_ids,
    var.access_log_bucket,
  ]
}

# A validation that refers to another variable is not evaluated while that variable is invalid.
run "wrong_values_of_pairs" {
  command = plan

  variables {
    alert_topic_arn        = "arn:aws:sns:eu-west-1:123456789012:operations"
    alert_topic_key_arn    = "alias/company"
    vpc_subnet_ids         = ["10.0.0.0/24"]
    vpc_security_group_ids = ["sg-0a1b2c3d"]
  }

  expect_failures = [var.alert_topic_key_arn, var.vpc_subnet_ids]
}

run "what_belongs_together" {
  command = plan

  variables {
    alert_topic_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
    vpc_subnet_ids      = ["subnet-0a1b2c3d"]
  }

  expect_failures = [var.alert_topic_key_arn, var.vpc_subnet_ids]
}
