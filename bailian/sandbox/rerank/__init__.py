"""Models that put texts in the order of a question."""
