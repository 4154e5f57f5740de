#!/usr/bin/env python3
"""Text to text with Alibaba Bailian: the Qwen models, one question or a conversation."""

from bailian.cli import guard
from bailian.cli.scripts.text2text import main

if __name__ == "__main__":
    guard.main(main, "text2text.py")
