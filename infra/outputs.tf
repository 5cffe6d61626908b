output "region" {
  description = "Region of all resources."
  value       = local.region
}

output "use_case" {
  description = "Use case of this stack."
  value       = var.use_case
}

output "model_name" {
  description = "Name of the registered model."
  value       = local.model_name
}

output "model_version" {
  description = "Live model version."
  value       = var.model_version
}

output "id_column" {
  description = "Id column of the predictions table; null if there is none."
  value       = var.id_column
}

output "input_stream" {
  description = "Name of the stream that takes records."
  value       = module.stream.input_name
}

output "output_stream" {
  description = "Name of the stream that carries prediction events."
  value       = module.stream.output_name
}

output "artifact_bucket" {
  description = "Name of the bucket that holds the models."
  value       = module.lake.artifact_bucket
}

output "lake_bucket" {
  description = "Name of the bucket that holds predictions, rejected records, ground truth, reports and alerts."
  value       = module.lake.lake_bucket
}

output "prediction_delivery_stream" {
  description = "Delivery stream from the output stream to the lake."
  value       = module.lake.delivery_names["predictions"]
}

output "rejected_delivery_stream" {
  description = "Delivery stream of rejected records."
  value       = module.lake.delivery_names["rejected"]
}

output "ground_truth_delivery_stream" {
  description = "Delivery stream that takes ground truth."
  value       = module.lake.delivery_names["ground_truth"]
}

output "delivery_interval_seconds" {
  description = "Longest time in seconds before Firehose writes a buffered event to the lake."
  value       = var.delivery_interval_seconds
}

output "batching_window_seconds" {
  description = "Longest wait in seconds for a batch to fill."
  value       = var.batching_window_seconds
}

output "predict_timeout_seconds" {
  description = "Timeout of one batch in seconds."
  value       = var.predict_timeout_seconds
}

output "label_delay_days" {
  description = "Longest wait in days for a record's label."
  value       = var.label_delay_days
}

output "predict_function" {
  description = "Name of the prediction function; null without an image."
  value       = module.scorer.function
}

output "http_function" {
  description = "Name of the HTTP function; null if it is not enabled."
  value       = module.scorer.http_function
}

output "http_url" {
  description = "URL of the HTTP function; null if it is not enabled."
  value       = module.scorer.http_url
}

output "release" {
  description = "What a release needs: prediction function, its alias, the limits and alarms on which the canary is returned, and the guard that returns it if nobody watches (null without the monitor's image); null without an image."
  value = module.scorer.function == null ? null : {
    function         = module.scorer.function
    alias            = local.names.predict_alias
    use_case         = var.use_case
    namespace        = local.names.metrics_namespace
    rejected_percent = var.rejected_alarm_percent
    late_percent     = module.alerts.release_late_percent
    min_records      = var.objective_min_records
    alarms           = module.alerts.release_alarms
    guard            = one(module.guard[*].function)
  }
}

output "shadow" {
  description = "Model in shadow, as in variable shadow; null if there is none."
  value       = local.shadow ? var.shadow : null
}

output "shadow_function" {
  description = "Name of the function in shadow; null if there is none."
  value       = one(module.shadow[*].function)
}

output "predict_image" {
  description = "Image URI of the prediction function; null if there is none."
  value       = var.predict_image
}

output "monitor_image" {
  description = "Image URI of the monitoring function; null if there is none."
  value       = var.monitor_image
}

output "monitor_function" {
  description = "Name of the monitoring function; null without an image."
  value       = module.monitor.function
}

output "monitor_failed_queue" {
  description = "Name of the queue of failed monitoring runs."
  value       = module.monitor.failed_queue
}

output "alert_topic_arn" {
  description = "ARN of the topic that receives all alerts and alarms."
  value       = module.alerts.topic_arn
}

output "notify_secrets" {
  description = "Secrets that hold the webhook URLs, by channel."
  value       = { for channel, notifier in module.notifier : channel => notifier.secret }
}

output "environment" {
  description = "Environment of this stack; empty for none."
  value       = var.environment
}

output "metrics_namespace" {
  description = "CloudWatch namespace of the functions' metrics."
  value       = local.names.metrics_namespace
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard; null if there is none."
  value       = one(module.dashboard[*].name)
}

output "predict_repository_url" {
  description = "URL of the prediction image's repository; null without repositories."
  value       = module.scorer.repository_url
}

output "monitor_repository_url" {
  description = "URL of the monitoring image's repository; null without repositories."
  value       = module.monitor.repository_url
}

output "kms_key_arn" {
  description = "ARN of the encryption key."
  value       = local.kms_key_arn
}

output "kms_key_statements" {
  description = "Statements, as JSON, that the policy of a key of your own (kms_key_arn) must have besides access through IAM."
  value       = data.aws_iam_policy_document.key_services.json
}

output "alert_topic_statements" {
  description = "Statements, as JSON, that the policy of a topic of your own (alert_topic_arn) must have."
  value       = module.alerts.topic_statements
}

output "vpc_endpoint_services" {
  description = "Endpoint services that the functions need in a VPC (vpc_subnet_ids) without another way to AWS."
  value       = local.vpc_endpoint_services
}

output "athena_workgroup" {
  description = "Name of the Athena workgroup; null without Athena."
  value       = module.lake.athena_workgroup
}

output "glue_database" {
  description = "Name of the Glue database that holds the predictions table; null without Athena."
  value       = module.lake.glue_database
}

output "predictions_table" {
  description = "Name of the predictions table; null without Athena."
  value       = module.lake.predictions_table
}

output "access_policy_arns" {
  description = "ARNs of the policies to attach: producer (put records), label_sender (send ground truth), report_reader (read reports)."
  value       = module.access.policy_arns
}
