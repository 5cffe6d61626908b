"""Checks of a window and its verdict.

columns      data quality, drift and performance, per column and segment
drift        drift statistics per column and segment
over_time    limits of scheduled decisions, for a rate of false alerts per year
evidence     scheduled decisions on drift, from hours and days
same_hours   drift of the newest hours against the same hours of the week before
days         scheduled decisions on labels, from the reports of earlier days
error_evidence  scheduled decisions on the mean error, from sums in the reports of earlier weeks
error_hours  limits of the mean error over hours and days
label_sums   sums of labelled records that a report keeps
performance  error on labelled records, and its estimate without labels
mean_error   whether a regression's predictions are too high or too low
bias         errors and predictions of declared groups
score        score of a check, and the worst of several segments
few_labels   test of a mean on few labelled records, from few days
binary       quality of a binary classifier on labelled records
delivery     completeness, duplicates, version, freshness, labels
service      errors, delay and lost records, from CloudWatch
custom       checks that the user declares in SQL
custom_sql   evaluate one SQL expression, in a process of its own
minimum      least number of rows of each check
gaps         hours that no window covered
late         records that landed after their window was monitored
verdict      all checks of a window, its status, its reports
"""
