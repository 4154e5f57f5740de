#!/usr/bin/env python3
"""Text to video with Alibaba Bailian: wan2.1 to wan2.6."""

from bailian.cli import guard
from bailian.cli.scripts.text2video import main

if __name__ == "__main__":
    guard.main(main, "text2video.py")
