output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "alias_arn" {
  description = "ARN of the alias; null without one."
  value       = one(aws_lambda_alias.this[*].arn)
}

output "image" {
  description = "Image URI."
  value       = aws_lambda_function.this.image_uri
}

output "environment" {
  description = "Environment variables of the function."
  value       = aws_lambda_function.this.environment[0].variables
}

output "reserved_concurrency" {
  description = "Reserved concurrency; -1 for none."
  value       = aws_lambda_function.this.reserved_concurrent_executions
}

output "subnet_ids" {
  description = "Subnets of the function; empty without a VPC."
  value       = flatten(aws_lambda_function.this.vpc_config[*].subnet_ids)
}
