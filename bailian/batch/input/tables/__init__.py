"""Tables and lists as people have them."""
