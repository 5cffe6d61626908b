"""The embedded AWS: the same Terraform on this machine, with no account and no Docker.

event_source  AWS's rules for reading a Kinesis stream into a function, as a pure model
runtime       image functions under AWS's Runtime Interface Emulator, without Docker
emulator      MiniStack with both of them in it; runs in an environment of its own
images        what each image holds, as folders and environments on this machine
stack         start, deploy, destroy, stop
drive         put records, wait, monitor
demo          the whole loop, shown
"""
