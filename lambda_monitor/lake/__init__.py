"""Reading the lake."""
