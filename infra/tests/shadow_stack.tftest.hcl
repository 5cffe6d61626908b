mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  use_case      = "green_taxi"
  model_version = "1"
  predict_image = "registry.example/predict:1"
  monitor_image = "registry.example/monitor:1"
}

run "no_shadow_by_default" {
  command = apply

  assert {
    condition     = output.shadow == null && length(module.shadow) == 0 && !contains(keys(module.lake.delivery_names), "shadow")
    error_message = "By default there must be no function and no delivery of a shadow."
  }
}

run "shadow" {
  command = apply

  variables {
    shadow = { model_version = "2", since = "2026-03-02T10:00:00Z" }
  }

  assert {
    condition     = output.shadow.model_version == "2" && output.shadow.since == "2026-03-02T10:00:00Z" && output.shadow.image == null && output.shadow_function == "scorewatch-green-taxi-shadow"
    error_message = "The output must have what the next apply needs, and the function."
  }
  assert {
    condition     = module.lake.delivery_names["shadow"] == "scorewatch-green-taxi-shadow-events"
    error_message = "The shadow must have a delivery stream of its own."
  }
  assert {
    condition     = module.shadow[0].environment["MODEL_VERSION"] == "2" && module.shadow[0].environment["SHADOW_STREAM"] == module.lake.delivery_names["shadow"] && module.shadow[0].environment["METRICS_NAMESPACE"] == "Scorewatch/Shadow"
    error_message = "The shadow must have its model, its delivery, and metrics that no alarm counts."
  }
  assert {
    condition     = !contains(keys(module.shadow[0].environment), "OUTPUT_STREAM") && !contains(keys(module.shadow[0].environment), "REJECTED_STREAM")
    error_message = "The shadow must not know the live streams."
  }
  assert {
    condition     = module.scorer.environment["MODEL_VERSION"] == "1" && !contains(keys(module.scorer.environment), "SHADOW_STREAM")
    error_message = "The live function must be as without a shadow."
  }
}

run "shadow_of_another_image" {
  command = apply

  variables {
    shadow = { model_version = "2", since = "2026-03-02T10:00:00Z", image = "registry.example/predict:2" }
  }

  assert {
    condition     = module.shadow[0].image == "registry.example/predict:2" && module.scorer.image == "registry.example/predict:1"
    error_message = "An image in shadow must leave the live one."
  }
}

run "no_shadow_before_the_first_image" {
  command = plan

  variables {
    predict_image = null
    shadow        = { model_version = "2", since = "2026-03-02T10:00:00Z" }
  }

  assert {
    condition     = length(module.shadow) == 0
    error_message = "Without an image there must be no shadow."
  }
}

run "time_without_utc" {
  command = plan

  variables {
    shadow = { model_version = "2", since = "2026-03-02 10:00" }
  }

  expect_failures = [var.shadow]
}

run "version_with_a_space" {
  command = plan

  variables {
    shadow = { model_version = "2 3", since = "2026-03-02T10:00:00Z" }
  }

  expect_failures = [var.shadow]
}

run "image_without_a_tag" {
  command = plan

  variables {
    shadow = { model_version = "2", since = "2026-03-02T10:00:00Z", image = "registry.example/predict" }
  }

  expect_failures = [var.shadow]
}

run "concurrency_of_zero" {
  command = plan

  variables {
    shadow_reserved_concurrency = 0
  }

  expect_failures = [var.shadow_reserved_concurrency]
}
