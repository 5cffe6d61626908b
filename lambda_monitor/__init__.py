"""The monitoring Lambda: compare a window of predictions with the reference, report and alert.

handler       Lambda entry
monitor       one run: read, check, alert, report
settings      settings from the environment
run           clients, identity and deadline of a run, requested window
findings      check results and status of a window
wording       columns and values in the user's words, counted nouns
untrusted     text from outside, as one bounded line
model         bundle of the monitored model
check_config  checks.json: the user's configuration of checks
lake          read objects, events, labels and rejections
profiles      mergeable counts, distances and thresholds
hours         ledgers per partition, windows, labelled records, Athena
checks        every check, and the verdict
notifier      function that posts to chat channels
guard         function that returns a release that nobody watches
alerts        alert state, messages, metrics
reports       Evidently report, plain page, index
"""
