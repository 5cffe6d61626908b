# The functions in subnets of the company's own.
locals {
  vpc = length(var.vpc_subnet_ids) == 0 ? null : {
    subnet_ids          = sort(var.vpc_subnet_ids)
    security_group_ids  = sort(var.vpc_security_group_ids)
    interface_arns      = "arn:${local.partition}:ec2:${local.region}:*:*/*"
    function_arn_prefix = local.arn_prefixes.function
  }

  # By what the code calls; Lambda itself writes the logs, reads the streams and pulls the images.
  vpc_endpoint_services = [for service in concat(
    ["s3", "kinesis-streams", "kinesis-firehose", "sns", "monitoring", "lambda"],
    var.athena_enabled && var.athena_min_mb > 0 ? ["athena"] : [],
    length(var.notify_channels) > 0 ? ["secretsmanager"] : [],
  ) : "com.amazonaws.${local.region}.${service}"]
}
