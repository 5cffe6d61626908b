"""Read the lake: objects, events, labels, rejections, and the cache of what was read.

objects           list and stream S3 objects, whatever their compression
lines             whole lines of bounded length
texts             texts of bounded length
batches           join small objects and cut large ones into files on disk
duckdb_sql        DuckDB connection and quoting
parser            files on disk as tables
events            prediction events as columns
labels            ground truth by record id
rejections        rejected records and failed batches of a window
rejection_counts  stored counts of rejected records
sample            bounded, repeatable sample
partitions        hour partitions a record may land in
cache             named files in S3 under a lease
"""
