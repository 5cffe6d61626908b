"""Thresholds made at training."""
