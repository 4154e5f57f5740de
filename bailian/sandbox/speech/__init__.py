"""The socket that speaks."""
