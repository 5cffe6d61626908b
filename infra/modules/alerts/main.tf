locals {
  topic_arn = var.own_topic_arn == null ? aws_sns_topic.this[0].arn : var.own_topic_arn
}

resource "aws_sns_topic" "this" {
  count = var.own_topic_arn == null ? 1 : 0

  name              = var.topic
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.emails

  topic_arn = local.topic_arn
  protocol  = "email"
  endpoint  = each.value
}

# A topic of the company's own has a policy of its own, which would be replaced.
resource "aws_sns_topic_policy" "this" {
  count = var.own_topic_arn == null ? 1 : 0

  arn    = local.topic_arn
  policy = data.aws_iam_policy_document.topic.json
}

moved {
  from = aws_sns_topic.this
  to   = aws_sns_topic.this[0]
}

moved {
  from = aws_sns_topic_policy.this
  to   = aws_sns_topic_policy.this[0]
}

data "aws_iam_policy_document" "topic" {
  source_policy_documents = [data.aws_iam_policy_document.publishers.json]

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

# AWS services that publish without a role of this stack.
data "aws_iam_policy_document" "publishers" {
  statement {
    sid       = "AlarmsOfThisStack"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${var.partition}:cloudwatch:${var.region}:${var.account_id}:alarm:${var.prefix}-*"]
    }
  }

  statement {
    sid       = "EndsOfAlarms"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${var.partition}:events:${var.region}:${var.account_id}:rule/${local.resolved_rule}"]
    }
  }
}
