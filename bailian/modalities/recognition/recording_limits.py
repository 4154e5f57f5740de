"""How long and how large a recording may be for a model, and the command that makes it so."""

from __future__ import annotations

import math
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from bailian.catalog import Mode, Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.text.quoting import line_of
from bailian.types import Input, Recording

ENCODED_MAX_BYTES = 10_000_000
"""QASR, FUNF: of a recording in the body, after Base64 has made it a third larger."""
# Pieces are cut a little below the limit: ffmpeg cuts at the next frame.
_MARGIN_S = 10


def encoded_bytes(size_bytes: int) -> int:
    """Return how many bytes a file has in Base64."""
    return 4 * math.ceil(size_bytes / 3)


def recording_problems(found: Input, model: Model) -> list[Problem]:
    """Return why a model does not take a local recording; what is behind a link, the service judges."""
    recording = found.recording
    if recording is None:
        return []
    name = _name_of(found)
    if recording.duration_s is not None and model.audio_max_s and recording.duration_s > model.audio_max_s:
        long = _duration(recording.duration_s, up=True)
        most = _duration(model.audio_max_s)
        text = tr(
            f"{name} lasts {long}, {model.name} takes at most {most}",
            f"{name} 时长 {long}，{model.name} 最多 {most}",
        )
        return [Problem("file", f"{text}; {_split(name, recording, model)}")]
    return _size_problems(name, recording, model)


def _size_problems(name: str, recording: Recording, model: Model) -> list[Problem]:
    if model.mode == Mode.SYNC:
        if encoded_bytes(recording.size_bytes) <= ENCODED_MAX_BYTES:
            return []
        size = f"{encoded_bytes(recording.size_bytes) / 1e6:.1f} MB"
        text = tr(
            f"{name} has {size} in Base64, {model.name} takes at most {ENCODED_MAX_BYTES / 1e6:g} MB in one call",
            f"{name} 经 Base64 编码后为 {size}，{model.name} 一次调用最多 {ENCODED_MAX_BYTES / 1e6:g} MB",
        )
        return [Problem("file", f"{text}; {_shrink(name)}")]
    if model.audio_max_bytes and recording.size_bytes > model.audio_max_bytes:
        size = f"{recording.size_bytes / 1e9:.2f} GB"
        most = f"{model.audio_max_bytes / 1e9:g} GB"
        text = tr(
            f"{name} has {size}, {model.name} takes at most {most}", f"{name} 有 {size}，{model.name} 最多 {most}"
        )
        return [Problem("file", f"{text}; {_split(name, recording, model)}")]
    return []


def _name_of(found: Input) -> str:
    return PurePath(unquote(urlsplit(found.url).path)).name


def _duration(seconds: float, *, up: bool = False) -> str:
    unit, one = (3600, tr("hours", "小时")) if seconds >= 3600 else (60, tr("minutes", "分钟"))
    count = math.ceil(seconds / unit * 100) / 100 if up else seconds / unit
    return f"{count:g} {one}"


def _split(name: str, recording: Recording, model: Model) -> str:
    """Return the command that cuts it into pieces which the model takes."""
    piece_s = (model.audio_max_s or 3600) - _MARGIN_S
    if recording.duration_s and recording.size_bytes > (model.audio_max_bytes or recording.size_bytes):
        piece_s = min(piece_s, int(recording.duration_s * (model.audio_max_bytes or 1) / recording.size_bytes) - 1)
    path = PurePath(name)
    cut = ("-f", "segment", "-segment_time", str(max(piece_s, 1)), "-c", "copy")
    command = line_of(["ffmpeg", "-i", name, *cut, f"{path.stem}-%03d{path.suffix}"])
    if model.mode == Mode.SYNC:
        return tr(f"cut it: {command}, or run it as a task: leave out --fast and --model",
                  f"请切分：{command}，或以任务方式识别：去掉 --fast 和 --model")  # fmt: skip
    return tr(f"cut it into pieces: {command}", f"请切分为多段：{command}")


def _shrink(name: str) -> str:
    """Return the command that makes five minutes of speech smaller than two megabytes."""
    command = line_of(["ffmpeg", "-i", name, "-vn", "-ac", "1", "-ar", "16000", "-b:a", "48k", f"{PurePath(name).stem}-small.mp3"])  # fmt: skip
    return tr(f"make it smaller: {command}, or run it as a task: leave out --fast and --model",
              f"请压缩：{command}，或以任务方式识别：去掉 --fast 和 --model")  # fmt: skip
