"""Bytes that people wrote, as text: encodings, odd characters, JSON and TOML with words for their slips."""
