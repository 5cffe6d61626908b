"""How far the alerts can be believed: subjects to watch, shifts to see, judges, and what is shown of them."""
