"""Terraform root and the commands that run it."""
