"""Tasks that recognize recorded speech."""
