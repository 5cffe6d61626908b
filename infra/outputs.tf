output "region" {
  description = "Region everything is in."
  value       = local.region
}

output "use_case" {
  description = "Use case this is for."
  value       = var.use_case
}

output "model_name" {
  description = "Name of the registered model."
  value       = local.model_name
}

output "model_version" {
  description = "Version that is live."
  value       = var.model_version
}

output "id_column" {
  description = "Column of the record's id in the table over the predictions; null where there is none."
  value       = var.id_column
}

output "input_stream" {
  description = "Stream to put records on."
  value       = module.stream.input_name
}

output "output_stream" {
  description = "Stream the prediction events are on."
  value       = module.stream.output_name
}

output "artifact_bucket" {
  description = "Bucket of the models."
  value       = module.lake.artifact_bucket
}

output "lake_bucket" {
  description = "Bucket of predictions, rejected records, ground truth, reports and alerts."
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
  description = "Delivery stream to put ground truth on."
  value       = module.lake.delivery_names["ground_truth"]
}

output "predict_function" {
  description = "Prediction function; null while there is no image."
  value       = module.scorer.function
}

output "http_function" {
  description = "HTTP function; null when it isn't enabled."
  value       = module.scorer.http_function
}

output "http_url" {
  description = "URL of the HTTP function; null when it isn't enabled."
  value       = module.scorer.http_url
}

output "predict_image" {
  description = "Image the prediction function runs; null while there is none."
  value       = var.predict_image
}

output "monitor_image" {
  description = "Image the monitoring function runs; null while there is none."
  value       = var.monitor_image
}

output "monitor_function" {
  description = "Monitoring function; null while there is no image."
  value       = module.monitor.function
}

output "monitor_failed_queue" {
  description = "Queue of monitoring runs that failed."
  value       = module.monitor.failed_queue
}

output "alert_topic_arn" {
  description = "Topic all alerts and alarms go to."
  value       = module.alerts.topic_arn
}

output "predict_repository_url" {
  description = "Repository of the prediction image."
  value       = module.scorer.repository_url
}

output "monitor_repository_url" {
  description = "Repository of the monitoring image."
  value       = module.monitor.repository_url
}

output "kms_key_arn" {
  description = "Key everything is encrypted with."
  value       = aws_kms_key.this.arn
}

output "athena_workgroup" {
  description = "Workgroup for queries."
  value       = module.lake.athena_workgroup
}

output "glue_database" {
  description = "Database of the table over the predictions."
  value       = module.lake.glue_database
}

output "predictions_table" {
  description = "Table over the predictions."
  value       = module.lake.predictions_table
}
