"""Measurements of the project: `python -m benchmarks [scoring|monitoring|alerts|service_levels|scale]`.

scoring           CPU per record compared with MLflow and the floor
starts            cold start and installed size
throughput        records per second through the embedded AWS
monitoring        time and memory compared with pandas and Evidently
alerts            false alarms, power and delay of the alerts
cost              bill of a month, counted on the embedded AWS
scale             scoring on the embedded AWS beside its simulation
queueing          simulation of shards, concurrent batches and windows
false_alarms      false alarms by chance over 10,000 model-years, all checks
alerts_over_time  false alerts per model-year and delays of scheduled decisions
service_levels    replay of the alarms on the objectives
outages           synthetic outages, their costs and metrics
cloudwatch_model  CloudWatch's documented alarm rules on the planned alarms
by_chance         replay of model-years drawn from real days
alert_quality     subjects, shifts and judges of the alert benchmark
model_kinds       which kinds of models are served
rides             model and records for the scoring figures
synthetic_events  synthetic prediction events in the lake's format
folder_aws        AWS clients backed by a folder
"""
