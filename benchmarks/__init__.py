"""Every figure the project states, measured: `python -m benchmarks [scoring|monitoring|alerts]`."""
