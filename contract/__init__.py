"""What training, scoring, monitoring and Terraform agree on.

schema   the contract of a model: features, types, ranges, target
events   the bytes on the streams and in the lake
bundle   the files training hands over, with their checksums
store    the bundle in S3
layout   every S3 key
lake     the lines of its objects
"""
