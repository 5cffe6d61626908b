provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  role_settings       = { path = "/services/", permissions_boundary = "arn:aws:iam::123456789012:policy/boundary" }
  name                = "scorewatch-green-taxi-guard"
  role_name           = "scorewatch-green-taxi-guard-eu-west-1"
  predict_function    = "scorewatch-green-taxi-predict"
  predict_alias       = "live"
  use_case            = "green_taxi"
  environment         = "dev"
  alert_topic_arn     = "arn:aws:sns:eu-west-1:123456789012:alerts"
  alert_topic_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  image               = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/monitor@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  architecture        = "x86_64"
  region              = "eu-west-1"
  kms_key_arn         = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  log_retention_days  = 365

  arn_prefixes = {
    function  = "arn:aws:lambda:eu-west-1:123456789012:function:"
    log_group = "arn:aws:logs:eu-west-1:123456789012:log-group:"
  }
}

run "the_role_moves_one_alias_and_announces_it" {
  command = plan

  module {
    source = "./modules/guard"
  }

  assert {
    condition = {
      for s in jsondecode(data.aws_iam_policy_document.this.json).Statement : s.Sid => { actions = toset(flatten([s.Action])), resources = toset(flatten([s.Resource])) }
      } == {
      ReturnRelease = {
        actions   = toset(["lambda:GetAlias", "lambda:UpdateAlias"])
        resources = toset(["arn:aws:lambda:eu-west-1:123456789012:function:scorewatch-green-taxi-predict"])
      }
      Announce      = { actions = toset(["sns:Publish"]), resources = toset([var.alert_topic_arn]) }
      UseKeyOfTopic = { actions = toset(["kms:Decrypt", "kms:GenerateDataKey"]), resources = toset([var.alert_topic_key_arn]) }
    }
    error_message = "The guard's role must have exactly these rights."
  }
  assert {
    condition = [
      for s in jsondecode(data.aws_iam_policy_document.this.json).Statement : s.Condition.StringEquals["kms:ViaService"] if s.Sid == "UseKeyOfTopic"
    ] == ["sns.eu-west-1.amazonaws.com"]
    error_message = "The topic's key must be usable through SNS only."
  }
  assert {
    condition     = aws_cloudwatch_event_rule.this.schedule_expression == "rate(1 minute)"
    error_message = "The delay that docs/deploy.md states needs a look each minute."
  }
  assert {
    condition     = aws_lambda_permission.this.principal == "events.amazonaws.com" && aws_lambda_function_event_invoke_config.this.maximum_retry_attempts == 0
    error_message = "EventBridge alone must start the guard, once per minute."
  }
}

run "a_topic_without_a_key_needs_no_right_on_one" {
  command = plan

  module {
    source = "./modules/guard"
  }
  variables {
    alert_topic_key_arn = null
  }

  assert {
    condition     = !contains([for s in jsondecode(data.aws_iam_policy_document.this.json).Statement : s.Sid], "UseKeyOfTopic")
    error_message = "A role must have no right on a key that it does not use."
  }
}
