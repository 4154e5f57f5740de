"""The account that all keys belong to: its rates, its limits, and the list of models."""
