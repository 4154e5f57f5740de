"""Files: what they are, what they are called, what is written into them."""
