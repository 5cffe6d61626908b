"""The notifier Lambda: post the alert topic's messages to one Slack or Teams channel.

handler       Lambda entry
settings      settings from the environment
notification  common form of alerts and alarms
claims        messages posted once
slack         Block Kit message
teams         Adaptive Card
webhook       secret URL; post with retries
"""
