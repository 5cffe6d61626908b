"""Conformance of our models of AWS with recordings of real AWS.

The facts come from answers of AWS that LocalStack's tests recorded and publish (community edition,
commit 8b9a79f); scenarios and comparisons are ours. A recording is named by its file and its test.

recordings     recorded answers, with their placeholders
distill        facts of a recording, taken from its answers
streams        facts of our event source mapping, from scenarios of our own
requests       facts of our conditional writes, schedules, metrics, retries and deliveries
explained      recordings that do not apply, and differences with their reasons
table          comparison, and how it is printed
facts.json     the distilled facts, used where the recordings are not at hand
"""
