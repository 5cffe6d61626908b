"""False alarms by chance: model-years of real days, looked at every hour, with every check on the data.

pool            a model with segments and groups, and sums per hour of its real days
series          days drawn in blocks, and sums over any hours of them
screen          looks at which a drift limit may be exceeded, in single precision
same_hours_screen  looks at which the newest hours may differ from the week before
two_days        sums over every window of 24 hours of two days
shares          checks on shares of odd values, and on constant columns
sums_of_labels  what each labelled row adds to the sums
labels          checks on labels, the estimated error, and groups
window_alerts   alerts of the checks on one window, for any two days
replay          alerts of every check over model-years, and their episodes
monitor         the monitor's own checks and decisions, to compare with
"""
