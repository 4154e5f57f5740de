"""Asynchronous tasks: their table, their requests, their answers."""
