terraform {
  # 1.9: validations may refer to other variables. 1.11: state in S3 is locked without a DynamoDB table.
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Pinned exactly instead of a committed lock file: a lock written on one platform has only that
      # platform's hashes, and init on another platform would reject it.
      version = "= 5.100.0"
    }
  }
}

# Region, credentials and endpoint come only from the AWS environment variables.
provider "aws" {
  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}
