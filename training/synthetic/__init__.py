"""Generators fitted to real data. Every output names their rows synthetic.

taxi      synthetic taxi rides
wine      synthetic white wines
fit_taxi  fit the taxi generator
fit_wine  fit the wine generator
"""
