"""Thresholds from the reference.

thresholds  thresholds.json from null distributions and tolerances
resampling  null distributions of drift statistics by resampling
seasons     natural change between days, weeks and hours
"""
