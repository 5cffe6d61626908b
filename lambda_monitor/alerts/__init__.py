"""Alert state, messages and metrics of a run."""
