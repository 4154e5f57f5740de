"""What `import bailian` costs beside a bare Python, and the first name of it beside the official SDK's import.

Run: .venv/bin/python benchmarks/import_time.py
"""

from __future__ import annotations

import subprocess
import sys
import time

ROUNDS = 15
PROGRAMS = {
    "a bare Python": "pass",
    "import bailian": "import bailian",
    "from bailian import text2image": "from bailian import text2image",
    "import dashscope": "import dashscope",
}


def main() -> None:
    took_ms: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):  # in turn: what else the machine does hits all of them
        for name, code in PROGRAMS.items():
            begun_s = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            took_ms[name].append((time.perf_counter() - begun_s) * 1000)
    bare_ms = min(took_ms["a bare Python"])  # the least: the machine's other work only adds
    for name, all_ms in took_ms.items():
        print(f"{name:32} {min(all_ms):7.0f} ms  {min(all_ms) - bare_ms:+7.1f} ms")


if __name__ == "__main__":
    main()
