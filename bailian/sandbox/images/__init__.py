"""Models that draw pictures from text."""
