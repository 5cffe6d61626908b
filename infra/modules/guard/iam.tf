data "aws_iam_policy_document" "this" {
  # IAM has no resource for these actions below the function, which has one alias.
  statement {
    sid       = "ReturnRelease"
    actions   = ["lambda:GetAlias", "lambda:UpdateAlias"]
    resources = ["${var.arn_prefixes.function}${var.predict_function}"]
  }

  statement {
    sid       = "Announce"
    actions   = ["sns:Publish"]
    resources = [var.alert_topic_arn]
  }

  # The topic's key is the stack's, another one of the company's own, or none.
  dynamic "statement" {
    for_each = var.alert_topic_key_arn == null ? [] : [var.alert_topic_key_arn]

    content {
      sid       = "UseKeyOfTopic"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["sns.${var.region}.amazonaws.com"]
      }
    }
  }
}
