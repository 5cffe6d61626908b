output "function" {
  description = "Name of the function."
  value       = module.function.name
}

output "subnet_ids" {
  description = "Subnets of the function."
  value       = module.function.subnet_ids
}
