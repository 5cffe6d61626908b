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
  tracing       = true
  arn_prefixes = {
    log_group = "arn:aws:logs:eu-west-1:123456789012:log-group:"
  }

  name                 = "scorewatch-green-taxi-predict"
  role_name            = "scorewatch-green-taxi-predict-eu-west-1"
  description          = "Scores"
  image                = "repository@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  handler              = "lambda_predict.handler.handler"
  architecture         = "arm64"
  memory_mb            = 1024
  timeout_seconds      = 60
  reserved_concurrency = null
  environment          = { MODEL_VERSION = "1" }
  policy               = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  kms_key_arn          = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_retention_days   = 30
  alias                = null
}

run "function" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition     = aws_iam_role.this.name == "scorewatch-green-taxi-predict-eu-west-1"
    error_message = "The role must have the given name, not the function's."
  }
  assert {
    condition     = aws_iam_role.this.path == "/services/" && aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    error_message = "The role must have the given path and permissions boundary."
  }
  assert {
    condition     = aws_lambda_function.this.package_type == "Image" && aws_lambda_function.this.image_config[0].command == tolist(["lambda_predict.handler.handler"])
    error_message = "The image must run the given handler."
  }
  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "No reservation must be -1 (no limit), not 0."
  }
  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "Tracing must be on."
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/scorewatch-green-taxi-predict" && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "The log group must be the one Lambda writes to, with a key and a retention."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(data.aws_iam_policy_document.base.json).Statement : s.Action])) == toset([
      "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
    ])
    error_message = "Logging and tracing need exactly these four actions."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(data.aws_iam_policy_document.base.json).Statement :
      s.Resource == "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/scorewatch-green-taxi-predict:log-stream:*"
      if s.Sid == "WriteLog"
    ])
    error_message = "A function must write only to its own log."
  }
}

run "without_tracing_no_xray_rights" {
  command = plan

  module {
    source = "./modules/function"
  }
  variables {
    tracing = false
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "PassThrough"
    error_message = "Tracing must be off with tracing = false."
  }
  assert {
    condition     = [for s in jsondecode(data.aws_iam_policy_document.base.json).Statement : s.Sid] == ["WriteLog"]
    error_message = "Without tracing the role must have no X-Ray rights."
  }
}

run "without_a_vpc_no_rights_on_interfaces" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition     = length(aws_lambda_function.this.vpc_config) == 0 && length(aws_iam_role_policy.network) == 0
    error_message = "Without a VPC there must be no rights on network interfaces."
  }
}

run "in_a_vpc" {
  command = plan

  module {
    source = "./modules/function"
  }
  variables {
    vpc = {
      subnet_ids          = ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]
      security_group_ids  = ["sg-0a1b2c3d"]
      interface_arns      = "arn:aws:ec2:eu-west-1:*:*/*"
      function_arn_prefix = "arn:aws:lambda:eu-west-1:123456789012:function:"
    }
  }

  assert {
    condition = (
      aws_lambda_function.this.vpc_config[0].subnet_ids == toset(var.vpc.subnet_ids) &&
      aws_lambda_function.this.vpc_config[0].security_group_ids == toset(var.vpc.security_group_ids)
    )
    error_message = "The function must be in the given subnets and security groups."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.network[0].policy).Statement : s.Sid => toset(s.Action) if s.Effect == "Allow" } == {
      ManageInterfaces   = toset(["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"])
      DescribeInterfaces = toset(["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"])
    }
    error_message = "Lambda needs exactly the six actions that its documentation names."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(aws_iam_role_policy.network[0].policy).Statement :
      length(s.Action) == 6 && s.Condition == { ArnEquals = { "lambda:SourceFunctionArn" = "arn:aws:lambda:eu-west-1:123456789012:function:scorewatch-green-taxi-predict" } }
      if s.Effect == "Deny"
    ]) && contains([for s in jsondecode(aws_iam_role_policy.network[0].policy).Statement : s.Effect], "Deny")
    error_message = "The function's code must not have Lambda's rights on interfaces."
  }
}

run "without_an_alias_no_versions" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition     = !aws_lambda_function.this.publish && length(aws_lambda_alias.this) == 0
    error_message = "A function that is invoked by its name needs no versions."
  }
}

run "with_an_alias_each_change_is_a_version" {
  command = plan

  module {
    source = "./modules/function"
  }
  variables {
    alias = "live"
  }

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_alias.this[0].name == "live"
    error_message = "The alias can only refer to published versions."
  }
}
