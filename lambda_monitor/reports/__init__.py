"""Pages and files that show a run."""
