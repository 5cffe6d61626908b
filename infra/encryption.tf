# One key per stack, or the company's own: streams, buckets, images, logs, alerts.
locals {
  kms_key_arn = var.kms_key_arn == null ? aws_kms_key.this[0].arn : var.kms_key_arn
}

resource "aws_kms_key" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  description             = "Scorewatch, use case ${var.use_case}"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_window_days
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  name          = local.names.key_alias
  target_key_id = aws_kms_key.this[0].key_id
}

moved {
  from = aws_kms_key.this
  to   = aws_kms_key.this[0]
}

moved {
  from = aws_kms_alias.this
  to   = aws_kms_alias.this[0]
}

# In a key policy, resource "*" means this key.
data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:Administration through IAM, as in AWS's own default policy of a key
  #checkov:skip=CKV_AWS_111:In a key policy "*" is this key
  #checkov:skip=CKV_AWS_356:In a key policy "*" is this key
  source_policy_documents = [data.aws_iam_policy_document.key_services.json]

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
}

# What a key of the company's own must allow as well: AWS services without a role of this stack.
data "aws_iam_policy_document" "key_services" {
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

  # CloudWatch sends the alarms, EventBridge their ends. A topic of the company's own is under another key.
  dynamic "statement" {
    for_each = var.alert_topic_arn == null ? [local.account_id] : []

    content {
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
        values   = [statement.value]
      }
    }
  }
}
