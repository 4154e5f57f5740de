"""Speech and its recognition."""
