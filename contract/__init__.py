"""Formats shared by training, scoring, monitoring and Terraform.

schema       contract of a model: features, inputs, target, identity
base         enums of the contract, bases of stored structs
features     features and inputs: types, ranges, missing values
derived      declaration of derived features
derivation   values of derived features
timestamps   timestamps of events as text
times        timestamps: instants, and their parts in a time zone
target       target: a number, or classes
value_names  names of values in messages
names        names of fields and columns, and their rules
events       bytes on the streams and in the lake
bundle       files that training hands over, with their checksums
store        the bundle in S3
checks       uploaded configuration of checks in S3
conditional  conditional reads and writes of S3 objects
layout       S3 keys
release      state of a release, in the alias's description
session      boto3 sessions of commands
lake         lines of the lake's objects
version      version of Scorewatch
"""
