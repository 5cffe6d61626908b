# Channels of a stack: none by default, and every validation of notify_channels.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  use_case      = "green_taxi"
  model_version = "1"
  monitor_image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/monitor@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
}

run "no_channel_by_default" {
  command = plan

  assert {
    condition     = length(module.notifier) == 0
    error_message = "Without notify_channels nothing must be created."
  }
}

run "no_channel_without_an_image" {
  command = plan

  variables {
    monitor_image   = null
    notify_channels = { team = {} }
  }

  assert {
    condition     = length(module.notifier) == 0
    error_message = "A queue without a function would fill up."
  }
}

run "each_channel_has_its_own_function_and_secret" {
  command = plan

  variables {
    notify_channels = {
      team   = {}
      oncall = { service = "teams", severities = ["critical"], checks = ["performance", "alarm"] }
    }
  }

  assert {
    condition     = { for name, channel in module.notifier : name => channel.secret } == { team = "scorewatch-green-taxi-notify-team", oncall = "scorewatch-green-taxi-notify-oncall" }
    error_message = "Each channel must have a secret of its own."
  }
  assert {
    condition     = local.webhook_hosts["slack"][0] == "hooks.slack.com"
    error_message = "A Slack channel must post to Slack's host."
  }
  assert {
    condition     = local.roles["notify-oncall"] == "scorewatch-green-taxi-notify-oncall-eu-west-1"
    error_message = "Each channel must have a role of its own."
  }
}

run "a_name_that_no_function_may_have" {
  command = plan
  variables {
    notify_channels = { "Team_1" = {} }
  }
  expect_failures = [var.notify_channels]
}

run "a_name_of_another_channels_queue" {
  command = plan
  variables {
    notify_channels = { "team-failed" = {} }
  }
  expect_failures = [var.notify_channels]
}

run "an_unknown_service" {
  command = plan
  variables {
    notify_channels = { team = { service = "irc" } }
  }
  expect_failures = [var.notify_channels]
}

run "an_unknown_severity" {
  command = plan
  variables {
    notify_channels = { team = { severities = ["fatal"] } }
  }
  expect_failures = [var.notify_channels]
}

run "a_check_with_a_comma" {
  command = plan
  variables {
    notify_channels = { team = { checks = ["drift,quality"] } }
  }
  expect_failures = [var.notify_channels]
}

run "a_url_in_place_of_a_secret" {
  command = plan
  variables {
    notify_channels = { team = { secret_arn = "https://hooks.slack.com/services/T/B/x" } }
  }
  expect_failures = [var.notify_channels]
}

run "a_key_without_a_secret" {
  command = plan
  variables {
    notify_channels = { team = { secret_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000" } }
  }
  expect_failures = [var.notify_channels]
}

run "a_url_in_place_of_a_host" {
  command = plan
  variables {
    notify_channels = { team = { webhook_hosts = ["https://hooks.slack.com/services/T/B/x"] } }
  }
  expect_failures = [var.notify_channels]
}
