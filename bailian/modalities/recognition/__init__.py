"""Recordings → texts."""
