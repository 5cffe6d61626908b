"""Pages of the report site.

evidently_report  Evidently's report with our verdicts
plain_page        report without plots
evidently_page    Evidently's HTML made safe, with a summary
stored            a stored report.json: its fields, and the report of a window
index             front page of the report site
html_page         HTML that all pages share
heavy_import      import of a large package without garbage collection
no_telemetry      switch off Evidently's usage statistics
"""
