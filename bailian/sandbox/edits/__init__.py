"""Models that change a picture."""
