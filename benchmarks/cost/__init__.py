"""What a stack costs: units counted in a run on the embedded AWS, times dated list prices.

prices    list prices of us-east-1 with their date and pages
units     AWS's rules of counting: rounding of puts, of delivered records, of traces
measured  sizes, durations and requests that the meter measured
meter     count the units of a run on the embedded AWS
month     units of a month at a load, with given settings
page      docs/cost.md
"""
