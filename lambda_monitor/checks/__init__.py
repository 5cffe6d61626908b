"""Every check of a window."""
