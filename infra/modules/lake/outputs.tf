output "artifact_bucket" {
  description = "Name of the artifact bucket."
  value       = module.artifacts.name
}

output "artifact_bucket_arn" {
  description = "ARN of the artifact bucket."
  value       = module.artifacts.arn
}

output "lake_bucket" {
  description = "Name of the lake bucket."
  value       = module.lake.name
}

output "lake_bucket_arn" {
  description = "ARN of the lake bucket."
  value       = module.lake.arn
}

output "delivery_names" {
  description = "Names of the delivery streams by content."
  value       = { for key, delivery in aws_kinesis_firehose_delivery_stream.this : key => delivery.name }
}

output "delivery_arns" {
  description = "ARNs of the delivery streams by content."
  value       = { for key, delivery in aws_kinesis_firehose_delivery_stream.this : key => delivery.arn }
}

output "glue_database" {
  description = "Name of the Glue database; null if there is none."
  value       = one(aws_glue_catalog_database.this[*].name)
}

output "glue_database_arn" {
  description = "ARN of the Glue database; null if there is none."
  value       = one(aws_glue_catalog_database.this[*].arn)
}

output "predictions_table" {
  description = "Name of the predictions table; null if there is none."
  value       = one(aws_glue_catalog_table.predictions[*].name)
}

output "predictions_table_arn" {
  description = "ARN of the predictions table; null if there is none."
  value       = one(aws_glue_catalog_table.predictions[*].arn)
}

output "athena_workgroup" {
  description = "Name of the Athena workgroup; null if there is none."
  value       = one(aws_athena_workgroup.this[*].name)
}

output "athena_workgroup_arn" {
  description = "ARN of the Athena workgroup; null if there is none."
  value       = one(aws_athena_workgroup.this[*].arn)
}
