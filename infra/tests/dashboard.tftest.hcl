mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  use_case      = "green_taxi"
  model_version = "7"
}

run "the_dashboard_has_four_rows_and_every_alarm" {
  command = apply

  assert {
    condition     = output.dashboard == "scorewatch-green-taxi-eu-west-1"
    error_message = "The dashboard's name must end in the region."
  }
  assert {
    condition = [
      for widget in jsondecode(module.dashboard[0].body).widgets : split(":", widget.properties.markdown)[0] if widget.type == "text"
    ] == ["## Alert history of green_taxi", "## Service", "## Data quality", "## Drift", "## Performance"]
    error_message = "The rows must be alert history, service, data quality, drift and performance."
  }
  assert {
    condition = toset(flatten([
      for widget in jsondecode(module.dashboard[0].body).widgets : widget.properties.alarms if widget.type == "alarm"
    ])) == toset([for name in values(module.alerts.alarms) : "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:${name}"])
    error_message = "The dashboard must show every alarm that sends messages."
  }
  assert {
    condition = alltrue([
      for widget in jsondecode(module.dashboard[0].body).widgets : widget.properties.region == "eu-west-1" if contains(["metric", "log"], widget.type)
    ])
    error_message = "Widgets must read the stack's region."
  }
}

run "no_dashboard" {
  command = apply

  variables {
    dashboard = false
  }

  assert {
    condition     = length(module.dashboard) == 0 && output.dashboard == null
    error_message = "dashboard = false must leave the dashboard out."
  }
}
