"""Notifications: when they are due, their text, the metrics of a run.

severity  severity of failed checks and of messages
state     alert state, and which message is due
outbox    sends the messages of the state, each once
messages  text of a notification
details   payload of a notification, from the findings
payload   structs of the payload
links     links to the AWS console
advice    next steps, commands and runbook sections
metrics   log line in CloudWatch's embedded metric format
"""
