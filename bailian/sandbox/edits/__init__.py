"""Models that change a given picture."""
