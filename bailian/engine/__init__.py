"""The one pipeline, for one job and for ten thousand: submit → settle → watch → save."""
