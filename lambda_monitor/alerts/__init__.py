"""Notifications: when they are due, their text, the metrics of a run.

state     alert state with its outbox
messages  text of a notification
advice    next steps, commands and runbook sections
metrics   log line in CloudWatch's embedded metric format
"""
