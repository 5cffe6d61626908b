# Every validation of a variable rejects a wrong value. A run tests many; it fails if one value is accepted.
mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  use_case      = "green_taxi"
  model_version = "1"
}

run "out_of_range" {
  command = plan

  variables {
    use_case                     = "Green-Taxi"
    model_version                = ""
    id_column                    = "ride id"
    predict_image                = "repository"
    monitor_image                = "repository"
    architecture                 = "arm"
    key_deletion_window_days     = 6
    log_retention_days           = 2
    input_shards                 = 0
    output_shards                = 0
    stream_retention_hours       = 12
    predict_memory_mb            = 128
    predict_timeout_seconds      = 3
    predict_reserved_concurrency = 0
    batch_size                   = 0
    parallelization_factor       = 11
    maximum_retry_attempts       = -1
    http_identity                = "header"
    http_reserved_concurrency    = 0
    delivery_interval_seconds    = 901
    delivery_size_mb             = 0
    lake_expiration_days         = 1
    lake_infrequent_access_days  = 7
    noncurrent_version_days      = 0
    athena_scan_limit_gb         = 0
    delivery_encryption          = "key"
    monitor_memory_mb            = 512
    monitor_timeout_seconds      = 901
    monitor_reserved_concurrency = 0
    schedule                     = "hourly"
    window_hours                 = 0
    reminder_hours               = 0
    report_link_hours            = 13
    metric_limit                 = -1
    label_delay_days             = -1
    athena_min_mb                = -1
    alert_emails                 = ["not an address"]
    scoring_target_percent       = 90
    lake_target_percent          = 100
    objective_min_records        = 0
    rejected_alarm_percent       = 0
    monitor_silence_hours        = 25
    permissions_boundary_arn     = "boundary"
    role_path                    = "services"
    tags                         = { UseCase = "mine" }
  }

  expect_failures = [
    var.use_case,
    var.model_version,
    var.id_column,
    var.predict_image,
    var.monitor_image,
    var.architecture,
    var.key_deletion_window_days,
    var.log_retention_days,
    var.input_shards,
    var.output_shards,
    var.stream_retention_hours,
    var.predict_memory_mb,
    var.predict_timeout_seconds,
    var.predict_reserved_concurrency,
    var.batch_size,
    var.parallelization_factor,
    var.maximum_retry_attempts,
    var.http_identity,
    var.http_reserved_concurrency,
    var.delivery_interval_seconds,
    var.delivery_size_mb,
    var.lake_expiration_days,
    var.lake_infrequent_access_days,
    var.noncurrent_version_days,
    var.athena_scan_limit_gb,
    var.delivery_encryption,
    var.monitor_memory_mb,
    var.monitor_timeout_seconds,
    var.monitor_reserved_concurrency,
    var.schedule,
    var.window_hours,
    var.reminder_hours,
    var.report_link_hours,
    var.metric_limit,
    var.label_delay_days,
    var.athena_min_mb,
    var.alert_emails,
    var.scoring_target_percent,
    var.lake_target_percent,
    var.objective_min_records,
    var.rejected_alarm_percent,
    var.monitor_silence_hours,
    var.permissions_boundary_arn,
    var.role_path,
    var.tags,
  ]
}

run "wrong_form" {
  command = plan

  variables {
    use_case                 = "green__taxi"
    environment              = "dev-1"
    model_version            = "1/../2"
    predict_image            = "repository:latest"
    monitor_image            = "repository:latest"
    key_deletion_window_days = 31
    input_shards             = 1.5
    predict_timeout_seconds  = 901
    parallelization_factor   = 0
    output_record_kb         = 1001
    schedule                 = "rate(0 hours)"
    window_hours             = 1.5
  }

  expect_failures = [
    var.use_case,
    var.environment,
    var.model_version,
    var.predict_image,
    var.monitor_image,
    var.key_deletion_window_days,
    var.input_shards,
    var.predict_timeout_seconds,
    var.parallelization_factor,
    var.output_record_kb,
    var.schedule,
    var.window_hours,
  ]
}

run "other_wrong_values" {
  command = plan

  variables {
    use_case      = "taxi_that_has_a_name_longer_than_30"
    predict_image = "repository@sha256:abc"
  }

  expect_failures = [
    var.use_case,
    var.predict_image,
  ]
}

# A validation that refers to another variable is not evaluated while that variable is invalid.
run "rules_on_two_variables" {
  command = plan

  variables {
    batching_window_seconds    = 0
    maximum_record_age_seconds = 86400
    delivery_interval_seconds  = 600
  }

  expect_failures = [
    var.batching_window_seconds,
    var.maximum_record_age_seconds,
    var.lake_objective_seconds,
  ]
}

run "a_batch_must_not_wait_longer_than_the_objective" {
  command = plan

  variables {
    batching_window_seconds = 60
  }

  expect_failures = [var.scoring_objective_seconds]
}

run "bounds_of_objectives" {
  command = plan

  variables {
    scoring_objective_seconds = 4
    lake_objective_seconds    = 60
    delivery_interval_seconds = 0
  }

  expect_failures = [
    var.scoring_objective_seconds,
    var.lake_objective_seconds,
  ]
}

run "bounds_of_rules_on_two_variables" {
  command = plan

  variables {
    batching_window_seconds    = 301
    maximum_record_age_seconds = 59
  }

  expect_failures = [
    var.batching_window_seconds,
    var.maximum_record_age_seconds,
  ]
}

run "batch_too_large" {
  command = plan

  variables {
    batch_size = 10001
  }

  expect_failures = [var.batch_size]
}

run "small_batches_need_no_window" {
  command = plan

  variables {
    batch_size              = 10
    batching_window_seconds = 0
  }
}

run "use_case_with_the_word_of_channels" {
  command = plan

  variables {
    use_case = "taxi_notify_a"
  }

  expect_failures = [var.use_case]
}

run "own_repositories_need_both_images" {
  command = plan

  variables {
    image_repositories = false
    predict_image      = "registry.example/predict:1"
  }

  expect_failures = [var.image_repositories]
}
