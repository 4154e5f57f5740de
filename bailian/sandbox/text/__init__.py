"""Models that write text, whole or as a stream."""
