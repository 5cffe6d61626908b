output "url" {
  description = "Where docker pushes to."
  value       = aws_ecr_repository.this.repository_url
}
