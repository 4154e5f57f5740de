"""From a file to rows to checked requests: JSON, JSON lines and tables, each row with a key that outlives the run."""
