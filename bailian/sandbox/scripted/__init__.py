"""Answers that a test has written: which request gets which, and where they come from."""
