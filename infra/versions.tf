terraform {
  # 1.9 lets a validation look at other variables, 1.11 locks a state in S3 without a table.
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Pinned exactly, in place of a committed lock file: a lock written on one platform holds that
      # platform's hashes alone, and init would refuse it on every other.
      version = "= 5.100.0"
    }
  }
}

# Region, credentials and endpoint come from the AWS environment variables alone.
provider "aws" {
  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}
