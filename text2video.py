#!/usr/bin/env python3
"""Text to video with Alibaba Bailian: wan2.1 to wan2.6."""

from bailian import door

COMMAND = "bailian.cli.scripts.text2video:main"
__getattr__ = door.main_of(COMMAND)

if __name__ == "__main__":
    door.run(COMMAND, "text2video.py")
