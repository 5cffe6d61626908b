resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = templatefile("${path.module}/dashboard.json.tftpl", {
    region               = var.region
    namespace            = var.metrics_namespace
    use_case             = var.use_case
    predict_function     = var.predict_function
    monitor_function     = var.monitor_function
    monitor_log_group    = "/aws/lambda/${var.monitor_function}"
    predictions_delivery = var.delivery_names.predictions
    rejected_delivery    = var.delivery_names.rejected
    alarm_arns           = jsonencode([for name in var.alarms : "${var.arn_prefix}${name}"])
  })
}
