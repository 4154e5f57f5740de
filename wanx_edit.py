#!/usr/bin/env python3
"""Edit a picture with one of ten functions of wanx2.1-imageedit (通义万相通用图像编辑)."""

from bailian.cli import guard
from bailian.cli.scripts.wanx_edit import main

if __name__ == "__main__":
    guard.main(main, "wanx_edit.py")
