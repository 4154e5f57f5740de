#!/usr/bin/env python3
"""Edit pictures by an instruction with Alibaba Bailian: qwen-image-edit and what took over."""

from bailian import door

COMMAND = "bailian.cli.scripts.image_edit:main"
__getattr__ = door.main_of(COMMAND)

if __name__ == "__main__":
    door.run(COMMAND, "image_edit.py")
