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
