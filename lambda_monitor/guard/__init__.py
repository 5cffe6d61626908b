"""The guard Lambda: return a candidate that no release watches any more.

handler    Lambda entry
settings   settings from the environment
candidate  the alias: return the candidate, announce it
message    message of a return
"""
