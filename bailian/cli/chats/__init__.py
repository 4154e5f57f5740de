"""Conversations: on a terminal, by name, and what is left of them."""
