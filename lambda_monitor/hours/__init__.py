"""Counts of the lake by partition and arrival hour, kept between runs.

ledger       ledger of a partition and its parts
store        read and write ledgers and hour files
update       add new objects to the ledgers
rebuild      rebuild partitions whose stored files are damaged
accumulator  rows of one arrival hour while they are read
window       records of [start, end) by merging hours
past         profiles of the hours before a window's end
labelled     join predictions to ground truth
athena       count partitions with Athena
athena_sql   the SQL of these counts
"""
