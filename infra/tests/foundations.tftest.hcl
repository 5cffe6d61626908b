# Without images the first apply makes everything but the functions, and succeeds.
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
    error_message = "There is a function without an image."
  }
  assert {
    condition     = length(output.predict_repository_url) > 0 && length(output.monitor_repository_url) > 0
    error_message = "The repositories the images go to must come with the first apply."
  }
  assert {
    condition     = !contains(keys(module.alerts.alarms), "monitor-silent") && contains(keys(module.alerts.alarms), "input-throttled")
    error_message = "Alarms on functions must wait for the functions; those on streams must not."
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
    error_message = "Images make the functions."
  }
  assert {
    condition     = output.http_function == null && output.http_url == null
    error_message = "HTTP must be off unless asked for."
  }
  assert {
    condition     = alltrue([for alarm in ["scoring-late", "predict-errors", "predict-throttles", "monitor-errors", "monitor-silent", "monitor-failed", "batches-given-up", "records-rejected"] : contains(keys(module.alerts.alarms), alarm)])
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
    error_message = "http_enabled makes the HTTP function, of the same image."
  }
}
