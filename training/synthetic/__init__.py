"""Generators fitted to real data, for machines that have none. What comes of them is called synthetic."""
