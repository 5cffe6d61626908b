"""LocalStack's community edition on this machine, with our image functions.

server     start and stop it, in an environment of its own
launcher   LocalStack's process with our executor and deliveries
executor   runtime executor: image functions under the Runtime Interface Emulator
firehose   prefixes, delimiters and source streams of deliveries
services   which services an endpoint lacks, and Terraform's variables for it
"""
