#!/usr/bin/env python3
"""Edit pictures by an instruction with Alibaba Bailian: qwen-image-edit and what took over."""

from bailian.cli import guard
from bailian.cli.scripts.image_edit import main

if __name__ == "__main__":
    guard.main(main, "image_edit.py")
