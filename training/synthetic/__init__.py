"""Generators of synthetic rows, fitted to real data.

taxi      synthetic taxi rides
wine      synthetic white wines
fit_taxi  fit the taxi generator
fit_wine  fit the wine generator
"""
