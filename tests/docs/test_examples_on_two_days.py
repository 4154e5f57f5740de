"""The seed document's commands and configs and the READMEs' examples run where its models live and where they are retired.

One world is the sandbox as it is, which serves every name. The other is the service of 2026-11-28: by default where no
model is named, by `--use-successor` where a retired one is.
"""

from __future__ import annotations

import json
import re
import shlex
import wave
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.catalog import load
from bailian.errors import Exit
from bailian.sandbox import Sandbox
from tests.support.commands import Ran, Run
from tests.support.films import film
from tests.support.recordings import wav
from tests.support.setting import ROOT, run_on

TODAY = date(2026, 11, 28)
RETIRED = {name for name, model in load().items() if model.retired(TODAY)}

SEED_COMMANDS = (
    'text2image.py "可爱猫咪" --model wan2.2-t2i-flash --size 1024*1024',
    'text2image.py "中文对联设计" --model qwen-image --size 1472*1140',
    'text2image.py "风景画" --model wan2.2-t2i-flash --n 4 --size 512*512',
    'text2image.py "未来城市" --model wan2.2-t2i-flash --size 1440*810 --n 2',
    'text2text.py "写一篇科技文章" --model qwen-turbo',
    'text2video.py "日出延时" --model wan2.1-t2v-plus --duration 10',
)

EDIT_MESSAGES = [
    {"role": "user", "content": [{"image": "https://example.com/dog.jpg"}, {"text": "将狗改为站立姿势"}]}
]  # fmt: skip
SEED_CONFIGS: dict[str, dict[str, Any]] = {
    "text2image.py": {
        "model": "wan2.2-t2i-flash",
        "input": {"prompt": "提示词", "negative_prompt": "反向提示词"},
        "parameters": {"size": "1024*1024", "n": 1, "prompt_extend": True, "watermark": False, "seed": 12345},
    },
    "image_edit.py": {
        "model": "qwen-image-edit",
        "input": {"messages": EDIT_MESSAGES},
        "parameters": {"negative_prompt": "低质量", "watermark": False},
    },
    "wanx_edit.py": {
        "model": "wanx2.1-imageedit",
        "input": {
            "function": "description_edit_with_mask",
            "prompt": "陶瓷兔子抱着陶瓷小花",
            "base_image_url": "http://example.com/base.jpg",
            "mask_image_url": "http://example.com/mask.png",
        },
    },
    "bailian batch": {
        "image_tasks": [{"model": "wan2.2-t2i-flash", "prompt": "未来科技城市", "size": "1440*810", "n": 2}],
        "text_tasks": [{"model": "qwen-turbo", "prompt": "生成产品文案"}],
        "video_tasks": [{"model": "wan2.1-t2v-plus", "prompt": "日出延时摄影", "duration": 10}],
    },
}
CONFIGS = sorted(path for path in (ROOT / "configs").iterdir() if not path.name.startswith("."))
SCRIPTS = {
    "image": "text2image.py",
    "video": "text2video.py",
    "text": "text2text.py",
    "speech": "audio.py tts",
    "transcription": "audio.py asr",
    "batch": "bailian batch",
}


def readme_commands() -> list[str]:
    """Every example that calls a script and is not shown to be refused, without what it is piped into.

    Those of object storage want a store: tests/outputs/test_object_storage.py has one.
    """
    pages = (ROOT / "README.md", *sorted(page for page in ROOT.glob("docs/*.md") if ".zh-CN" not in page.name))
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    found = []
    for line, after in pairwise(lines):
        example = re.match(r"\$ (?:.*\| )?python (\S+\.py [^|>]+)", line)
        if example and "s3://" not in line and not after.startswith(("error:", "错误：", "^C")):
            found.append(example[1].strip())
    return list(dict.fromkeys(found))


def _recording(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes(bytes(range(256)) * 64)


FILES: dict[str, Callable[[Path], object]] = {
    **dict.fromkeys(("dog.jpg", "room.png", "small.png"), lambda path: Image.new("RGB", (640, 512), "teal").save(path)),
    **dict.fromkeys(("report.md", "稿.txt"), lambda path: path.write_text("长城很长。", encoding="utf-8")),
    "问候.wav": _recording,
    "热词.txt": lambda path: path.write_text("百炼 5\n公园 4\n", encoding="utf-8"),
    **dict.fromkeys(
        ("dog.png", "product.jpg", "day.jpg", "night.jpg", "cat.jpg", "street.jpg"),
        lambda path: Image.new("RGB", (1280, 720), "olive").save(path),
    ),
    "clip.mp4": lambda path: film(path, size_px=(1280, 720), seconds=3),
    **dict.fromkeys(("song.wav", "voice.wav"), lambda path: path.write_bytes(wav(bytes(32000 * 4)))),
    "发票.png": lambda path: Image.new("RGB", (640, 512), "white").save(path),
    "animal.json": lambda path: path.write_text('{"type": "object"}', encoding="utf-8"),
}
"""What the examples name, by name."""


@pytest.fixture(params=["every name lives", "2026-11-28"])
def lives(request: pytest.FixtureRequest) -> bool:
    """Whether every name lives; else what is retired on the day is refused."""
    return bool(request.param == "every name lives")


@pytest.fixture
def box(lives: bool) -> Iterator[Sandbox]:
    with Sandbox(task_s=0.02, enforce_limits=False, day=None if lives else TODAY) as box:
        yield box


@pytest.fixture
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> Run:
    """Run a command line of any script, on that day, with the files that it names."""
    run_on(TODAY, monkeypatch)
    for name, make in FILES.items():
        make(Path(name))

    def run_line(line: str, **how: Any) -> Ran:
        # A test's stdout takes no bytes: what would go to a player goes into a folder.
        program, *words = shlex.split(re.sub(r" -o -(?= |$)", " -o heard", line))
        for word, place in pairwise(words):
            if word == "-o" and Path(place).is_file():
                Path(place).unlink()  # another example reads what this one makes
        command: Run = request.getfixturevalue(program.removesuffix(".py"))
        if set(words) & {"--show", "--rename", "--delete"}:  # of a conversation that another example has begun
            command("你好", "--chat", words[words.index("--chat") + 1])
        return command(*words, stdin="你好", **how)

    return run_line


def check(run: Run, lives: bool, line: str, said: str, failed: int = Exit.REFUSED_BY_SERVICE) -> None:
    """Run a line in its world; `said` is all that may name a model."""
    named = {name for name in RETIRED if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", said)}
    if not lives and named and "--use-successor" not in line:
        assert "was retired on 2026-10-10" in run(line, exits=failed).err
        line += " --use-successor"
    ran = run(line)
    for name in named:
        assert f"{name} was retired on 2026-10-10" in ran.err


@pytest.mark.few(1)
@pytest.mark.parametrize("line", SEED_COMMANDS)
def test_the_seeds_commands_run(run: Run, lives: bool, line: str) -> None:
    check(run, lives, line, line)


@pytest.mark.slow
@pytest.mark.parametrize("script", SEED_CONFIGS)
@pytest.mark.few(4)
def test_the_seeds_configs_run(run: Run, lives: bool, script: str) -> None:
    text = json.dumps(SEED_CONFIGS[script], ensure_ascii=False)
    Path("request.json").write_text(text, encoding="utf-8")
    if script == "bailian batch":
        check(run, lives, "bailian batch run request.json", text, Exit.SOME_FAILED)
    else:
        check(run, lives, f"{script} --config request.json", text)


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
@pytest.mark.few(1)
def test_the_examples_in_configs_run(run: Run, lives: bool, config: Path) -> None:
    stem = config.stem.partition("-")[0]
    script, text = SCRIPTS.get(stem, f"{stem}.py"), config.read_text(encoding="utf-8")
    if stem == "batch":
        check(run, lives, f"bailian batch run {config}", text, Exit.SOME_FAILED)
    else:
        check(run, lives, f"{script} --config {config}", text)


@pytest.mark.slow
@pytest.mark.parametrize("line", readme_commands())
@pytest.mark.few(8)
def test_the_examples_of_the_readme_run(run: Run, lives: bool, line: str) -> None:
    check(run, lives, line, line)


def test_the_readme_has_examples_of_every_script() -> None:
    """Nothing is skipped because a line is written another way."""
    found = readme_commands()
    assert len(found) >= 20
    scripts = {"text2image.py", "image_edit.py", "wanx_edit.py", "text2video.py", "text2text.py", "audio.py"}
    assert {line.split()[0] for line in found} == scripts
