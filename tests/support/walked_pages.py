"""The console examples of a page, followed word for word: what each prints is compared with what the page shows."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_END = "== end of"
# Times, ids, and what is paid or not.
_SAME = (
    (r"\d{8}-\d{6}", "DATE"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}-[0-9a-f]{10}", "ID"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
    (r"[\d.]+ (s|秒)", "SECONDS"),
    (r"\t(sandbox|沙箱|\d+\.\d+)\t", "\tCNY\t"),
    (r" ?[(（](sandbox: not paid|沙箱[^)）]*)[)）]", ""),
)


@dataclass
class Example:
    """A command of the page, and what the page shows behind it."""

    line: str
    shown: list[str] = field(default_factory=list)


def examples(text: str) -> list[Example]:
    found: list[Example] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Example(line.removeprefix("$ ")))
            else:
                found[-1].shown.append(line)
    return found


def walked(folder: Path, env: dict[str, str], lines: list[str]) -> list[str]:
    """Run the lines in one shell; return what a person sees of each, and its exit code as the last line."""
    script = "".join(f"{line}\ncode=$?; echo; echo '{_END}' $code; (exit $code)\n" for line in lines)
    ran = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    text = ran.stdout.decode("utf-8")
    return re.findall(rf"(.*?\n{_END} \d+)\n", text, re.DOTALL)


def _same(line: str, folder: Path) -> str:
    line = line.replace(str(folder), "/home/me/work")
    for pattern, word in _SAME:
        line = re.sub(pattern, word, line)
    return line.rstrip()


def differs(example: Example, answer: str, folder: Path) -> list[str]:
    """Return what a person has seen, if the page shows a line that was not there, or another end."""
    lines = [_same(line, folder) for line in answer.splitlines()]
    missing = [line for line in example.shown if _same(line, folder) not in lines]
    refused = any(line.startswith(("error:", "错误：", '{"request_id": null, "error"')) for line in example.shown)
    if not missing and refused == (not answer.endswith(" 0")):
        return []
    return [f"$ {example.line}", *(f"shown, not seen: {line}" for line in missing), answer]
