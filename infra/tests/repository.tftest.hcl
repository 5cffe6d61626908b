provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

variables {
  name          = "scorewatch-green-taxi-predict"
  function_arns = ["arn:aws:lambda:eu-west-1:123456789012:function:scorewatch-green-taxi-predict"]
  kms_key_arn   = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  force_destroy = false
}

run "repository" {
  command = plan

  module {
    source = "./modules/repository"
  }

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push
    error_message = "Tags must be immutable and images scanned on push."
  }
  assert {
    condition     = aws_ecr_repository.this.encryption_configuration[0].kms_key == var.kms_key_arn
    error_message = "Images must be encrypted with the given key."
  }
  assert {
    condition     = jsondecode(data.aws_iam_policy_document.pull.json).Statement[0].Condition.ArnLike["aws:SourceArn"] == var.function_arns[0]
    error_message = "Only the given functions may pull images."
  }
}
