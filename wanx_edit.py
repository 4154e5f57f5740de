#!/usr/bin/env python3
"""Edit a picture with one of ten functions of wanx2.1-imageedit (通义万相通用图像编辑)."""

from bailian import door

COMMAND = "bailian.cli.scripts.wanx_edit:main"
__getattr__ = door.main_of(COMMAND)

if __name__ == "__main__":
    door.run(COMMAND, "wanx_edit.py")
