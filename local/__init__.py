"""The embedded AWS: the same Terraform on this machine, without an account or Docker.

stack              start, deploy, destroy, stop
emulator           MiniStack with our patches, in a separate environment
ministack_patches  answers that MiniStack leaves incomplete
ministack_iam      use of keys, and a record of the calls of roles
ministack_roles    calls that services make with a role
event_source       model of AWS's event source mapping for Kinesis
failure_record     record for an on-failure destination
firehose_buffers   buffering of Firehose deliveries
routing            version that a weighted alias invokes
function_metrics   metrics of Lambda and of functions' logs
runtime            image functions under the Runtime Interface Emulator
images             contents of the images as folders and environments
npm                locked npm packages in folders of their own
containers         images built with Docker
container          command that runs an image as Lambda would
standin_base       stand-in for AWS's Lambda base image
deadlines          longest waits for a stack's results
localstack         LocalStack's community edition instead of MiniStack
traffic            put records, wait for results, run the monitor
loop               put records, score, store, monitor, notify on a deployed stack
demo               train, deploy, score, monitor and alert in one run
smoke              the loop on a stack of its own in an AWS account
report_site        command that serves the report site
report_server      HTTP server of the report site
slack_preview      command that shows a Slack message without Slack
serve              scoring over HTTP
rows               records made of a file of rows
score              command that scores a file
put                command that puts a file on the input stream
kinesis_event      command that makes Lambda's event of a file and calls the handler
lake               predictions and labels of a stack as a DataFrame
exporter           Prometheus metrics of one stack
newest_reports     newest report of each model, for the exporter
cloudwatch_counters  totals of CloudWatch's sums, for the exporter
"""
