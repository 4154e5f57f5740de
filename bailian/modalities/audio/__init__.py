"""Texts → speech."""
