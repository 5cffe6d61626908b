mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  use_case      = "white_wine"
  model_version = "7"
}

run "names" {
  command = apply

  assert {
    condition     = output.input_stream == "scorewatch-white-wine-input" && output.output_stream == "scorewatch-white-wine-output"
    error_message = "Stream names must match the documentation."
  }
  assert {
    condition     = output.model_name == "scorewatch-white-wine" && output.model_version == "7" && output.use_case == "white_wine"
    error_message = "The live model must be the requested one."
  }
  assert {
    condition     = output.glue_database == "scorewatch_white_wine" && output.athena_workgroup == "scorewatch-white-wine"
    error_message = "Glue names must have no dashes."
  }
  assert {
    condition     = can(regex("^scorewatch-white-wine-lake-[0-9a-f]{8}$", output.lake_bucket)) && output.lake_bucket != output.artifact_bucket
    error_message = "Bucket names must end in a hash of account and region."
  }
  assert {
    condition     = output.rejected_delivery_stream == "scorewatch-white-wine-rejected" && output.ground_truth_delivery_stream == "scorewatch-white-wine-ground-truth" && output.prediction_delivery_stream == "scorewatch-white-wine-predictions"
    error_message = "Delivery names must match the documentation."
  }
}

run "access_policies_end_in_the_region" {
  command = apply

  assert {
    condition     = alltrue([for name in values(local.names.access_policies) : endswith(name, "-eu-west-1")])
    error_message = "Policy names are global in an account and must end in the region."
  }
  assert {
    condition     = local.names.dashboard == "scorewatch-white-wine-eu-west-1"
    error_message = "A dashboard's name is global in an account and must end in the region."
  }
}

run "longest_bucket_name" {
  command = apply

  variables {
    use_case = "a23456789_123456789_123456789x"
  }

  assert {
    condition     = length(output.artifact_bucket) <= 63 && length(output.lake_bucket) <= 63
    error_message = "A bucket name must have at most 63 characters."
  }
}

run "role_names" {
  command = apply

  assert {
    condition     = local.roles["predict"] == "scorewatch-white-wine-predict-eu-west-1" && alltrue([for name in local.roles : endswith(name, "-eu-west-1")])
    error_message = "Role names are global in an account and must end in the region."
  }
}

run "roles_by_default" {
  command = plan

  assert {
    condition     = local.role_settings.path == "/" && local.role_settings.permissions_boundary == null && local.tags == { Project = "scorewatch", UseCase = "white_wine" }
    error_message = "Without settings roles must have no boundary, and resources only the stack's tags."
  }
}

run "settings_of_roles_and_tags" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    role_path                = "/services/"
    tags                     = { CostCentre = "42" }
  }

  assert {
    condition     = local.role_settings == { path = "/services/", permissions_boundary = "arn:aws:iam::123456789012:policy/boundary" }
    error_message = "Every module must receive the path and the permissions boundary."
  }
  assert {
    condition     = local.tags == { CostCentre = "42", Project = "scorewatch", UseCase = "white_wine" }
    error_message = "Every resource must have the given tags and the stack's."
  }
}

run "role_names_of_the_first_version" {
  command = apply

  variables {
    role_names_with_region = false
  }

  assert {
    condition     = local.roles["schedule"] == "scorewatch-white-wine-monitor-schedule" && local.roles["predictions"] == "scorewatch-white-wine-predictions"
    error_message = "Without the region the names must be those that 0.1 gave."
  }
}

run "longest_role_names" {
  command = apply

  variables {
    use_case = "a23456789_123456789_123456789x"
  }
  override_data {
    target = data.aws_region.current
    values = { name = "ap-southeast-1" }
  }

  assert {
    condition     = alltrue([for name in local.roles : length(name) <= 64 && endswith(name, "-ap-southeast-1")])
    error_message = "A role name must have at most 64 characters and end in the region."
  }
  assert {
    condition     = length(distinct(values(local.roles))) == 10
    error_message = "Role names must stay different when they are cut."
  }
}

# The longest use case, environment, channel and region at once.
run "longest_names" {
  command = apply

  variables {
    use_case        = "a23456789_123456789_123456789x"
    environment     = "production"
    monitor_image   = "registry.example/monitor:1"
    predict_image   = "registry.example/predict:1"
    notify_channels = { "a23456789-12345" = {} }
  }
  override_data {
    target = data.aws_region.current
    values = { name = "ap-southeast-1" }
  }

  assert {
    condition = alltrue([
      for name in ["${local.names.notify}-a23456789-12345", local.names.predict_http, "${local.prefix}-alarm-resolved"] : length(name) <= 64
    ])
    error_message = "Functions, rules and schedules must have at most 64 characters."
  }
  assert {
    condition     = length(output.artifact_bucket) <= 63 && length(output.lake_bucket) <= 63
    error_message = "A bucket name must have at most 63 characters."
  }
  assert {
    condition     = alltrue([for name in local.roles : length(name) <= 64 && endswith(name, "-ap-southeast-1")]) && length(distinct(values(local.roles))) == 11
    error_message = "Role names must have at most 64 characters, end in the region and stay different."
  }
  assert {
    condition     = can(regex("^scorewatch-production--a23456789-1-[0-9a-f]{6}$", local.prefix))
    error_message = "A prefix that is too long must be cut and end in a hash."
  }
}

run "environment" {
  command = apply

  variables {
    environment   = "dev"
    monitor_image = "registry.example/monitor:1"
    predict_image = "registry.example/predict:1"
  }

  assert {
    condition     = output.input_stream == "scorewatch-dev--white-wine-input" && output.glue_database == "scorewatch_dev__white_wine" && local.roles["predict"] == "scorewatch-dev--white-wine-predict-eu-west-1"
    error_message = "Names must contain the environment."
  }
  assert {
    condition     = output.model_name == "scorewatch-white-wine"
    error_message = "The model must have one name in all environments: the registry has it."
  }
  assert {
    condition     = output.metrics_namespace == "Scorewatch/dev" && local.tags["Environment"] == "dev" && module.monitor.environment["ENVIRONMENT"] == "dev" && module.monitor.environment["METRICS_NAMESPACE"] == "Scorewatch/dev"
    error_message = "Metrics and tags must be separate from those of other environments."
  }
}

# Another stack's prefix is this one's and "-" and more at most, as no use case has two dashes in a row: two names
# are equal only if one suffix ends in another.
run "no_suffix_ends_in_another" {
  command = apply

  variables {
    monitor_image = "registry.example/monitor:1"
    predict_image = "registry.example/predict:1"
  }

  assert {
    condition = alltrue(flatten([
      for names in [
        values(local.roles),
        values(module.alerts.alarms),
        values(local.names.access_policies),
        [local.names.predict, local.names.predict_http, local.names.monitor, local.names.shadow],
        [local.names.input_stream, local.names.output_stream],
        [local.names.predictions_delivery, local.names.rejected_delivery, local.names.ground_truth_delivery, local.names.shadow_delivery],
        [local.names.artifact_bucket, local.names.lake_bucket],
        ] : [for name in names : [
          for other in names : name == other || !endswith(trimprefix(name, local.prefix), trimprefix(other, local.prefix))
      ]]
    ]))
    error_message = "Two use cases could share a name, such as green_taxi and green_taxi_monitor."
  }
}
