"""A text that is spoken: in parts, each kept until the file is made."""
