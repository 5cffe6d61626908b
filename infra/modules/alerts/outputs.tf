output "topic_arn" {
  description = "ARN of the topic that receives all alerts and alarms."
  value       = var.own_topic_arn == null ? aws_sns_topic_policy.this[0].arn : var.own_topic_arn
}

output "topic_statements" {
  description = "Statements, as JSON, by which alarms and their ends reach the topic."
  value       = data.aws_iam_policy_document.publishers.json
}

output "alarms" {
  description = "Names of the alarms that send messages, by key."
  value       = { for name in local.notifying : trimprefix(name, "${var.prefix}-") => name }
}

output "release_alarms" {
  description = "Names of the alarms on which a release is returned: those on the prediction function and its records."
  value = [
    for key in ["batches-given-up", "predict-destination-failed", "predict-errors", "predict-throttles", "records-dropped", "records-rejected", "scoring-budget-fast", "scoring-stopped"] :
    "${var.prefix}-${key}" if contains(local.notifying, "${var.prefix}-${key}")
  ]
}

output "release_late_percent" {
  description = "Percentage of late records at which the fastest alarm on scoring burns."
  value       = 100 * local.budget_shares.scoring * max([for pair in local.burn_pairs : pair.rate]...)
}
