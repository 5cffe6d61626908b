# One key per use case: streams, buckets, images, logs, alerts.
resource "aws_kms_key" "this" {
  description             = "Scorewatch, use case ${var.use_case}"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_window_days
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  name          = local.names.key_alias
  target_key_id = aws_kms_key.this.key_id
}

# In a key policy, resource "*" means this key.
data "aws_iam_policy_document" "key" {
  # Without this statement nobody could administer the key. It lets IAM policies grant access; the policies
  # here name the key, the actions and the calling service.
  statement {
    sid       = "AccountAdministersThroughIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }

  statement {
    sid       = "LogGroupsOfThisUseCase"
    actions   = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values = [
        for group in [local.names.lambda_log_groups, local.names.delivery_log_groups] :
        "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${group}-*"
      ]
    }
  }

  # CloudWatch sends the alarms, EventBridge their ends.
  statement {
    sid       = "AlarmsPublishToTheTopic"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}
