output "input_name" {
  description = "Name of the input stream."
  value       = aws_kinesis_stream.this["input"].name
}

output "input_arn" {
  description = "ARN of the input stream."
  value       = aws_kinesis_stream.this["input"].arn
}

output "output_name" {
  description = "Name of the output stream."
  value       = aws_kinesis_stream.this["output"].name
}

output "output_arn" {
  description = "ARN of the output stream."
  value       = aws_kinesis_stream.this["output"].arn
}
