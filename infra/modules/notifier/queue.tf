resource "aws_sns_topic_subscription" "this" {
  topic_arn = var.topic_arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.this.arn
  # The envelope has the message's id, by which it is posted once, and its time.
  raw_message_delivery = false
  # Messages that SNS can't put on the queue.
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.failed.arn })

  depends_on = [aws_sqs_queue_policy.this]
}

resource "aws_sqs_queue" "this" {
  name                       = var.name
  visibility_timeout_seconds = local.visibility_seconds
  message_retention_seconds  = 345600
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = local.deliveries_per_day
  })
}

resource "aws_sqs_queue" "failed" {
  name                      = var.failed_queue
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "this" {
  for_each = { queue = aws_sqs_queue.this, failed = aws_sqs_queue.failed }

  queue_url = each.value.url
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

data "aws_iam_policy_document" "queue" {
  for_each = { queue = var.name, failed = var.failed_queue }

  statement {
    sid       = "TopicDelivers"
    actions   = ["sqs:SendMessage"]
    resources = ["${var.arn_prefixes.queue}${each.value}"]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [var.topic_arn]
    }
  }
}
