"""Models that draw and edit by a message, and the one that edits a list of pictures."""
