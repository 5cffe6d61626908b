variable "notify_channels" {
  description = "Slack and Teams channels that receive alerts and alarms, by name. severities (warning, critical) and checks (names or their first parts, also alarm, no_data and error) limit what a channel receives; empty for all. secret_arn names an existing secret, else Terraform creates an empty one; webhook_hosts replaces the hosts of the service."
  type = map(object({
    service        = optional(string, "slack")
    severities     = optional(set(string), [])
    checks         = optional(set(string), [])
    secret_arn     = optional(string)
    secret_key_arn = optional(string)
    webhook_hosts  = optional(set(string), [])
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.notify_channels) : can(regex("^[a-z]([a-z0-9-]{0,13}[a-z0-9])?$", name)) && !endswith(name, "-failed")])
    error_message = "A name in notify_channels must be 1 to 15 lower-case letters, digits and dashes, starting with a letter and not ending in -failed: names of functions and queues contain it."
  }
  validation {
    condition     = alltrue([for channel in values(var.notify_channels) : contains(["slack", "teams"], channel.service)])
    error_message = "service in notify_channels must be slack or teams."
  }
  validation {
    condition     = alltrue([for channel in values(var.notify_channels) : length(setsubtract(channel.severities, ["warning", "critical"])) == 0])
    error_message = "severities in notify_channels must be of warning and critical."
  }
  validation {
    condition     = alltrue(flatten([for channel in values(var.notify_channels) : [for name in channel.checks : can(regex("^[a-z_]+(\\.[A-Za-z0-9_]+)*$", name))]]))
    error_message = "checks in notify_channels must be names of checks or their first parts, e.g. [\"drift\", \"quality.missing\", \"alarm\"]."
  }
  validation {
    condition     = alltrue([for channel in values(var.notify_channels) : channel.secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", channel.secret_arn))])
    error_message = "secret_arn in notify_channels must be the ARN of a secret, never the webhook's URL: the URL would be in plan and state."
  }
  validation {
    condition     = alltrue([for channel in values(var.notify_channels) : channel.secret_key_arn == null || (channel.secret_arn != null && can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", channel.secret_key_arn)))])
    error_message = "secret_key_arn in notify_channels must be the ARN of the key of secret_arn."
  }
  validation {
    condition     = alltrue(flatten([for channel in values(var.notify_channels) : [for host in channel.webhook_hosts : can(regex("^(\\*\\.)?[a-z0-9][a-z0-9.-]*$", host))]]))
    error_message = "webhook_hosts in notify_channels must be host names, e.g. [\"chat.example.com\"] or [\"*.example.com\"], without https:// and path: a URL is a credential and would be in plan and state."
  }
}

locals {
  webhook_hosts = {
    slack = ["hooks.slack.com", "hooks.slack-gov.com"]
    teams = ["*.logic.azure.com", "*.api.powerplatform.com"]
  }
}
