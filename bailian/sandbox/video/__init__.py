"""Models that make videos from text."""
