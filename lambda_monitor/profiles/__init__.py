"""Mergeable counts of rows, their distances from the reference, and limits of distances.

profile     counts per column, and how columns are counted
segments    sums of the outcome per segment
distances   drift statistics between two profiles
thresholds  limit of each statistic at a number of rows
"""
