"""A text that comes slowly through a pipe is spoken while it comes, and a sentence is paid once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.cli.sounds.spoken_pipe import PipedText
from bailian.errors import InvalidRequest
from bailian.sandbox import Fault, Sandbox
from tests.support.setting import KEY, ROOT


@contextmanager
def speaking(box: Sandbox, *words: str) -> Iterator[tuple[IO[bytes], IO[bytes], subprocess.Popen[bytes]]]:
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url}
    command = [sys.executable, str(ROOT / "audio.py"), "tts", "-", "--voice", "longanyang", "-o", "-", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout, process


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("form", ["mp3", "pcm"])
@pytest.mark.few(1)
def test_the_first_sentence_is_heard_before_the_second_is_written(box: Sandbox, form: str) -> None:
    with speaking(box, "--format", form) as (text, sound, process):
        text.write("你好，世界。今天".encode())
        text.flush()
        assert os.read(sound.fileno(), 1)
        text.write("天气很好".encode())
        text.close()
        assert sound.read()
        assert process.wait() == 0
    asked = [one.body["payload"]["model"] for one in box.requests]
    assert asked == ["cosyvoice-v3-flash"] * 2
    assert list(Path("bailian/under-way").iterdir()) == []


@pytest.mark.slow
@pytest.mark.process
def test_a_sentence_that_was_lost_ends_it(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "reset", sentences=0))
    with speaking(box, "--format", "mp3") as (text, _sound, process):
        text.write("你好。".encode())
        text.flush()
        assert process.wait() == 5
    assert len(box.requests) == 1


def read_in(pieces: list[bytes]) -> list[str]:
    reads, writes = os.pipe()

    def write() -> None:
        for piece in pieces:
            os.write(writes, piece)
        os.close(writes)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        return list(PipedText(reads).texts())
    finally:
        thread.join()
        os.close(reads)


@pytest.mark.unit
@given(st.text("你好。! .\n，a", max_size=30), st.integers(1, 5))
def test_however_it_comes_it_is_the_text(text: str, size: int) -> None:
    data = text.encode()
    got = read_in([data[at : at + size] for at in range(0, len(data), size)])
    assert [char for char in "".join(got) if char.isalnum()] == [char for char in text if char.isalnum()]
    assert all(any(char.isalnum() for char in one) for one in got)  # marks alone are nothing to say


@pytest.mark.unit
def test_what_is_no_utf8_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="UTF-8"):
        read_in(["你好".encode("gbk")])
