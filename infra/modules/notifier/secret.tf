# The webhook's URL is its credential. Terraform creates the secret without a value, so that the URL is in no plan and
# no state; the user puts it in with one command (docs/alerts.md).
resource "aws_secretsmanager_secret" "webhook" {
  #checkov:skip=CKV2_AWS_57:The chat service issues the URL; nothing in AWS can rotate it
  count = var.secret_arn == null ? 1 : 0

  name                    = var.name
  description             = "Webhook URL of ${var.service} channel ${var.channel}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.force_destroy ? 0 : 7
}

locals {
  secret_arn = var.secret_arn == null ? aws_secretsmanager_secret.webhook[0].arn : var.secret_arn
  # Null for a secret under AWS's own key, which needs no right.
  secret_key_arn = var.secret_arn == null ? var.kms_key_arn : var.secret_key_arn
}
