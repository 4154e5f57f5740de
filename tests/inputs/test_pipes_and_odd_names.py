"""What a shell hands over: pipes that can be read once, and names that are not UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from bailian.sandbox import Sandbox
from bailian.store.paths import path_of
from tests.support.processes import FAST_START
from tests.support.recordings import wav
from tests.support.setting import FAST, KEY, ROOT

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="a shell of Linux, and its names"),
]
CHINESE = "照片".encode("gbk")
"""A name out of a zip of a Chinese Windows: no UTF-8."""


def shell(box: Sandbox, line: str, exits: int = 0, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which SCRIPT.py is a script of ours."""
    for name in ("wanx_edit", "image_edit", "text2image", "text2text", "audio", "bailian"):
        module = "bailian.cli.main import bailian as main" if name == "bailian" else f"{name} import main"
        start = FAST_START.format(factor=FAST, command=f"from {module}")
        Path(f".{name}").write_text(start)
        line = line.replace(f"{name}.py", f'{sys.executable} -c "$(cat {Path(f".{name}").absolute()})"')
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(["bash", "-c", line], env=env, capture_output=True, check=False, **more)
    assert ran.returncode == exits, (ran.returncode, ran.stdout, ran.stderr)
    return ran


@pytest.fixture(autouse=True)
def files(box: Sandbox) -> None:
    Image.linear_gradient("L").resize((640, 512)).convert("RGB").save("a.png")
    mask = Image.new("L", (640, 512))
    mask.paste(255, (9, 9, 99, 99))
    mask.save("m.png")
    Path("a.wav").write_bytes(wav())
    Path("t.txt").write_text("你好", encoding="utf-8")
    Path("c.json").write_text(json.dumps({"function": "colorization", "image": "a.png"}))
    rows = [{"kind": "wanx_edit", "function": "colorization", "image": "a.png", "seed": seed} for seed in (1, 2)]
    Path("rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    box.settings.change({"enforce_limits": False, "task_s": 0.05})


# One line each; how many requests for something arrive, and what they hold.
LINES = {
    "a picture and its mask": ("wanx_edit.py 兔子 --image <(cat a.png) --mask <(cat m.png)", 1, "data:image/png"),
    "a made mask": ("wanx_edit.py 兔子 --image <(cat a.png) --mask-box 1,1,9,9", 1, "data:image/png"),
    "a painted copy": ("wanx_edit.py 兔子 --image a.png --mask-diff <(cat m.png)", 1, "data:image/png"),
    "stdin by its name": ("wanx_edit.py 兔子 --function colorization --image /dev/stdin < a.png", 1, "data:image/png"),
    "stdin through a pipe": ("cat a.png | image_edit.py 变蓝 --image /dev/stdin", 1, "data:image/png"),
    "a recording": ("audio.py asr <(cat a.wav)", 1, "oss://"),
    "a recording on stdin": ("cat a.wav | audio.py asr -", 1, "oss://"),
    "a recording as stdin": ("audio.py asr /dev/stdin < a.wav", 1, "oss://"),
    "a text": ("audio.py tts --file <(cat t.txt) --dry-run", 0, ""),
    "a config": ("wanx_edit.py --config <(cat c.json)", 1, "data:image/png"),
    "a config as stdin": ("wanx_edit.py --config /dev/stdin < c.json", 1, "data:image/png"),
    "a config on stdin": ("cat c.json | wanx_edit.py --config -", 1, "data:image/png"),
    "rows as a config": ("wanx_edit.py --config <(cat rows.jsonl)", 2, "data:image/png"),
    "rows": ("bailian.py batch run <(cat rows.jsonl)", 2, "data:image/png"),
    "rows as stdin": ("bailian.py batch run /dev/stdin < rows.jsonl", 2, "data:image/png"),
    "rows on stdin": ("cat rows.jsonl | bailian.py batch run -", 2, "data:image/png"),
}  # fmt: skip


def asked(box: Sandbox) -> list[str]:
    return [json.dumps(task.body, ensure_ascii=False) for task in box.tasks] or [
        json.dumps(one.body, ensure_ascii=False, default=str)
        for one in box.requests
        if one.method == "POST" and "multimodal-generation" in one.path
    ]


@pytest.mark.slow
@pytest.mark.parametrize("line, count, holds", LINES.values(), ids=LINES)
@pytest.mark.few(2)
def test_what_can_be_read_once_is_read_once(box: Sandbox, line: str, count: int, holds: str) -> None:
    shell(box, line)
    bodies = asked(box)
    assert len(bodies) == count
    assert all(holds in body and "octet-stream" not in body for body in bodies)


@pytest.mark.parametrize("line", ["bailian.py batch run <(cat rows.jsonl)", "cat rows.jsonl | bailian.py batch run -"])
@pytest.mark.slow
def test_rows_through_a_pipe_are_the_same_batch_the_next_time(box: Sandbox, line: str) -> None:
    """Nothing is paid twice, whatever number the shell gives the pipe."""
    for _ in range(2):
        shell(box, line)
    assert len(box.tasks) == 2


def raw(name: str, data: bytes) -> str:
    path = os.fsdecode(CHINESE + name.encode())
    Path(path).write_bytes(data)
    return path


@pytest.mark.slow
def test_a_name_that_is_not_utf8_is_a_name(box: Sandbox) -> None:
    """As a picture, a mask, a recording, a config, a batch; each once from the flag and once from a row."""
    for name in ("a.png", "m.png", "a.wav", "t.txt", "c.json", "rows.jsonl"):
        raw(name, Path(name).read_bytes())
    n = "$'" + "".join(f"\\x{byte:02x}" for byte in CHINESE) + "'"
    shell(box, f"wanx_edit.py 兔子 --image {n}a.png --mask {n}m.png")
    shell(box, f"wanx_edit.py --config {n}c.json")
    shell(box, f"bailian.py batch run {n}rows.jsonl")
    shell(box, f"bailian.py batch run {n}rows.jsonl")
    assert b'"done"' in shell(box, f"bailian.py batch status {n}rows.jsonl --json").stdout
    assert len(box.tasks) == 4
    ran = shell(box, f"audio.py asr {n}a.wav")
    assert b"outputs/" in ran.stdout
    assert len(box.tasks) == 5
    shell(box, f"audio.py tts --file {n}t.txt --dry-run")
    ran = shell(box, f"wanx_edit.py 兔子 --image {n}none.png", exits=2)
    assert b"cannot read" in ran.stderr


@pytest.mark.parametrize("line", [
    "wanx_edit.py --config c.json -o {n}out", "bailian.py batch run rows.jsonl -o {n}out", "wanx_edit.py --config c.json -o {n}out --sidecar --json",
    "cd {n}in && wanx_edit.py --config c.json", "cd {n}in && bailian.py batch run rows.jsonl",
    "cd {n}in && bailian.py batch run rows.jsonl --json", "cd {n}in && audio.py asr a.wav --format srt",
    "cd {n}in && wanx_edit.py --config c.json --no-wait -o {n}out && bailian.py tasks wait --all",
])  # fmt: skip
@pytest.mark.slow
def test_a_folder_that_is_not_utf8_is_a_folder(box: Sandbox, line: str) -> None:
    """The journal leads back to it, and a killed run would find its files."""
    inside = Path(os.fsdecode(CHINESE + b"in"))
    inside.mkdir()
    for name in ("a.png", "a.wav", "c.json", "rows.jsonl"):
        (inside / name).write_bytes(Path(name).read_bytes())
    n = "$'" + "".join(f"\\x{byte:02x}" for byte in CHINESE) + "'"
    shell(box, line.format(n=n))
    made = [one for folder in Path().rglob("*") if folder.is_dir() for one in folder.iterdir()]
    results = [one for one in made if one.suffix in (".png", ".srt") and "wanx" in one.name + "wanx"]
    assert any(CHINESE in os.fsencode(one) and one.name not in ("a.png", "m.png") for one in results)
    listed = shell(box, "bailian.py tasks list --json").stdout + shell(box, "bailian.py tasks list").stdout
    assert listed


def test_the_url_of_a_name_is_ascii() -> None:
    path = Path(os.fsdecode(b"/tmp/" + CHINESE + b"%41.png"))
    assert path_of(path.as_uri()) == path


@pytest.mark.slow
def test_the_records_of_a_batch_name_files_as_they_are(box: Sandbox) -> None:
    """A folder that is not UTF-8: results.jsonl and the gallery lead to the files in it."""
    folder = Path(os.fsdecode(CHINESE + b"out"))
    Path("rows.jsonl").write_text(json.dumps({"kind": "image", "prompt": "猫", "size": "512*512"}), encoding="utf-8")
    shell(box, f"bailian.py batch run rows.jsonl -o '{folder}'")
    (record,) = (json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines())
    assert [Path(name).is_file() for name in record["files"]] == [True]
    assert quote(Path(record["files"][0]).name) in (folder / "gallery.html").read_text(encoding="utf-8")
