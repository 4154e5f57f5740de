"""What audio.py does beside one request: the voices, and a text that is spoken while it comes."""
