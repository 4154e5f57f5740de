#!/usr/bin/env python3
"""Text to text with Alibaba Bailian: the Qwen models, one question or a conversation."""

from bailian import door

COMMAND = "bailian.cli.scripts.text2text:main"
__getattr__ = door.main_of(COMMAND)

if __name__ == "__main__":
    door.run(COMMAND, "text2text.py")
