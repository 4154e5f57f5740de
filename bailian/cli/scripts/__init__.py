"""The six scripts: one request from flags to files."""
