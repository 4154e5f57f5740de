"""The command of the vendor's SDK, `dashscope`: one call of each group that the sandbox serves."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from steps import KEY, ROOT, run, step

COMMAND = Path(sys.executable).with_name("dashscope")
HOME = Path(tempfile.mkdtemp())
SURROUNDINGS = {
    **os.environ, "HOME": str(HOME), "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": f"{ROOT}/api/v1",
}  # fmt: skip


def told(*arguments: str) -> str:
    done = subprocess.run(
        [str(COMMAND), *arguments], env=SURROUNDINGS, capture_output=True, text=True, timeout=60, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@step
def whoami() -> None:
    assert "Authenticated" in told("auth", "whoami")


@step
def generation() -> None:
    assert "1，2，3" in told("generation", "create", "-m", "qwen-plus", "-p", "数到3")
    assert "1，2，3" in told("generation", "create", "-m", "qwen-plus", "-p", "数到3", "-s")


@step
def models() -> None:
    assert "wan2.2-t2i-flash" in told("models", "list")


@step
def vectors_ranks_and_tokens() -> None:
    assert "embedding" in told("embeddings", "create", "-m", "text-embedding-v4", "-i", "一", "-i", "二")
    documents = ("--document", "x", "--document", "天气很好")
    assert '"index": 1' in told("rerank", "create", "-m", "qwen3-rerank", "--query", "天气", *documents)
    assert "input_tokens" in told("tokenization", "create", "-m", "qwen-plus", "-p", "代码改变世界")


@step
def files() -> None:
    path = HOME / "lines.jsonl"
    path.write_text('{"a": 1}\n', encoding="utf-8")
    told("files", "upload", "-f", str(path), "-p", "inference")
    assert "lines.jsonl" in told("files", "list")


@step
def picture() -> None:
    said = told("image-synthesis", "create", "-m", "wan2.2-t2i-flash", "-p", "一间花店", "-n", "1")
    assert "task" in said.lower()


run()
