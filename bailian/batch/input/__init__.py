"""From a file to rows: JSON, JSON lines and tables."""
