"""A folder as a queue: one row for each file."""
