#!/usr/bin/env python3
"""Text to pictures with Alibaba Bailian: wan2.x, wanx2.x, qwen-image and more."""

from bailian.cli import guard
from bailian.cli.scripts.text2image import main

if __name__ == "__main__":
    guard.main(main, "text2image.py")
