"""Who is notified of what, once.

state     alert state with its outbox
messages  text of a notification
metrics   log line in CloudWatch's embedded metric format
"""
