"""The prediction Lambda: score a batch of records in one model run.

handler   entry for Kinesis batches
http      entry for the function URL, one record per request
identity  sequence number of a record sent over HTTP
settings  settings from the environment
model     bundle from S3, ONNX session, predictions
unpack    unpack gzipped and aggregated records
decode    decode and validate records
derive    features derived from the fields of decoded records
explain   reason for a rejection
score     batch of records to prediction events, without AWS
pack      several events in one record
publish   PutRecords and PutRecordBatch with retries of failed entries
wire      PutRecords requests serialized by msgspec
metrics   log line in CloudWatch's embedded metric format
"""
