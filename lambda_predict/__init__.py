"""The prediction Lambda: records in, predictions out, a batch at a time."""
