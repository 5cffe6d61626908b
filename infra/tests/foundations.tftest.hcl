# Without images the first apply creates everything but the functions.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  use_case      = "green_taxi"
  model_version = "1"
}

run "foundations_only" {
  command = apply

  assert {
    condition     = output.predict_function == null && output.monitor_function == null && output.http_function == null
    error_message = "There must be no function without an image."
  }
  assert {
    condition     = length(output.predict_repository_url) > 0 && length(output.monitor_repository_url) > 0
    error_message = "The first apply must create the image repositories."
  }
  assert {
    condition     = !contains(keys(module.alerts.alarms), "monitor-silent") && contains(keys(module.alerts.alarms), "input-throttled")
    error_message = "Without functions there must be alarms on streams only."
  }
}

run "without_athena" {
  command = apply

  variables {
    athena_min_mb = 0
  }

  assert {
    condition     = !module.monitor.athena && length(output.access_policy_arns) == 3
    error_message = "athena_min_mb = 0 must grant no rights for Athena."
  }
}

run "functions" {
  command = apply

  variables {
    predict_image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/predict@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    monitor_image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/monitor@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  }

  assert {
    condition     = output.predict_function == "scorewatch-green-taxi-predict" && output.monitor_function == "scorewatch-green-taxi-monitor"
    error_message = "With images there must be both functions."
  }
  assert {
    condition     = output.release.guard == "scorewatch-green-taxi-guard"
    error_message = "A stack that can be released must have a guard."
  }
  assert {
    condition     = output.http_function == null && output.http_url == null
    error_message = "HTTP must be off by default."
  }
  assert {
    condition     = alltrue([for alarm in ["scoring-budget-fast", "scoring-budget-slow", "scoring-stopped", "lake-budget-fast", "predict-errors", "predict-throttles", "monitor-errors", "monitor-silent", "monitor-failed", "batches-given-up", "records-rejected", "guard-errors"] : contains(keys(module.alerts.alarms), alarm)])
    error_message = "An alarm is missing."
  }
}

run "http" {
  command = apply

  variables {
    predict_image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/predict@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    http_enabled  = true
  }

  assert {
    condition     = output.http_function == "scorewatch-green-taxi-predict-http"
    error_message = "http_enabled must create the HTTP function with the same image."
  }
  assert {
    condition     = output.release.guard == null
    error_message = "Without the monitor's image there can be no guard."
  }
}

run "own_image_repositories" {
  command = apply

  variables {
    image_repositories = false
    predict_image      = "registry.example/predict:1"
    monitor_image      = "registry.example/monitor:1"
  }

  assert {
    condition     = output.predict_repository_url == null && output.monitor_repository_url == null
    error_message = "image_repositories = false must create no repository."
  }
  assert {
    condition     = output.predict_image == "registry.example/predict:1" && output.predict_function == "scorewatch-green-taxi-predict" && output.monitor_function == "scorewatch-green-taxi-monitor"
    error_message = "The functions must run the given images."
  }
}

run "no_athena" {
  command = apply

  variables {
    athena_enabled = false
    monitor_image  = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/monitor@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  }

  assert {
    condition     = output.athena_workgroup == null && output.glue_database == null && output.predictions_table == null
    error_message = "athena_enabled = false must create neither workgroup nor table."
  }
  assert {
    condition     = !module.monitor.athena
    error_message = "Without Athena the monitor must have no rights for it, whatever athena_min_mb is."
  }
  assert {
    condition     = alltrue([for name in ["ATHENA_WORKGROUP", "GLUE_DATABASE", "PREDICTIONS_TABLE"] : module.monitor.environment[name] == ""]) && module.monitor.environment["ATHENA_MIN_BYTES"] == "0"
    error_message = "Without Athena the monitor must not be configured for it."
  }
}
