"""Models that make films from pictures, films and sounds (and, where one request has all, from a text alone)."""
