"""CloudWatch's documented alarm rules, applied to the alarms that Terraform plans.

definitions  alarms as planned by Terraform
expressions  metric math over arrays of data points
metric       states of a metric alarm, minute by minute
composite    states and suppressed actions of a composite alarm
messages     messages of all alarms of a stack
"""
