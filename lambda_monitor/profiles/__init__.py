"""Mergeable counts of rows, and distances between them."""
