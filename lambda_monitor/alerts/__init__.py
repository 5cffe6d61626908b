"""Notifications: when they are due, their text, the metrics of a run.

severity  meaning and severity of failed checks and of messages
state     alert state, and which message is due
outbox    sends the messages of the state, each once
messages  compose and publish a notification
mail      its subject and text for people
titles    failed checks in plain words
details   payload of a notification, from the findings
payload   structs of the payload
links     links to the AWS console, presigned links
advice    next steps, commands and runbook sections
metrics   log lines in CloudWatch's embedded metric format
"""
