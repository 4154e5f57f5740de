#!/usr/bin/env python3
"""Text to pictures with Alibaba Bailian: wan2.x, wanx2.x, qwen-image and more."""

from bailian import door

COMMAND = "bailian.cli.scripts.text2image:main"
__getattr__ = door.main_of(COMMAND)

if __name__ == "__main__":
    door.run(COMMAND, "text2image.py")
