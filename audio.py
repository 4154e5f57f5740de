#!/usr/bin/env python3
"""Speech with Alibaba Bailian: text to speech (Sambert), speech to text (Paraformer)."""

from bailian.cli import guard
from bailian.cli.scripts.audio import main

if __name__ == "__main__":
    guard.main(main, "audio.py")
