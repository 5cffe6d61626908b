"""What is known of the lake, hour by hour."""
