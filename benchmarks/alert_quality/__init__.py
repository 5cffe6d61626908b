"""False-alarm rate and power of the alerts: subjects, shifts, judges, tables.

subject         a trained model and held-out rows
taxi            taxi rides
flights         flights of 2013
wines           white wines
synthetic       synthetic rows
shifts          shifts applied to windows
hour_sums       sums per hour, and every statistic of arrays of windows
same_hours_sums  newest hours against the same hours of the week before, at many looks
drift           scheduled decisions on drift at single looks
decisions       scheduled decisions over arrays of hours
over_time       months as they came: episodes per model-year
flights_over_time  flights of one season as they came
streams         rides of any number per day that change at a random hour
delays          delays of alerts on drift, by rides per day
lower_bound     least delay of any detector for a rate of false alarms
odd_values      delays of alerts on nulls and unknown codes
label_delays    delays of alerts on labels
label_episodes  months as they came: episodes and largest moves of the mean error
error_series    labelled records per hour, and their evidence on the mean error
same_days       Evidently and NannyML on the same days
evidence_picture  picture of a drift as evidence grows
judges          Scorewatch's checks and Evidently's defaults
nannyml_judge   NannyML as a judge
nannyml_worker  process that runs NannyML
census          NannyML's census data: estimates of the error
census_worker   process that runs NannyML's estimate
measure         run every judge on every window
tables          tables in Markdown
picture         picture of all judges
"""
