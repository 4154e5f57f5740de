#!/usr/bin/env python3
"""Speech with Alibaba Bailian: text to speech (Sambert), speech to text (Paraformer)."""

from bailian import door

COMMAND = "bailian.cli.scripts.audio:main"
__getattr__ = door.main_of(COMMAND)

if __name__ == "__main__":
    door.run(COMMAND, "audio.py")
