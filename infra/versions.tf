terraform {
  # 1.9: validations may refer to other variables. 1.11: state in S3 is locked without a DynamoDB table.
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Pinned exactly; .terraform.lock.hcl has the hashes of every platform's download.
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
