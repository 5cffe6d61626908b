# Rights on network interfaces, only for a function in a VPC. Lambda's documentation asks for Describe on all resources and
# for the others on all network interfaces, subnets and security groups of the region; shared subnets are of another account.
resource "aws_iam_role_policy" "network" {
  count = var.vpc == null ? 0 : 1

  name   = "network"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.network[0].json
}

locals {
  interface_actions = [
    "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
  ]
  describe_actions = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
}

data "aws_iam_policy_document" "network" {
  count = var.vpc == null ? 0 : 1

  statement {
    sid       = "ManageInterfaces"
    actions   = local.interface_actions
    resources = [var.vpc.interface_arns]
  }

  statement {
    sid       = "DescribeInterfaces"
    actions   = local.describe_actions
    resources = ["*"]
  }

  # Lambda itself needs the rights above, the function's code does not.
  statement {
    sid       = "NotForTheCode"
    effect    = "Deny"
    actions   = concat(local.interface_actions, local.describe_actions)
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = ["${var.vpc.function_arn_prefix}${var.name}"]
    }
  }
}
