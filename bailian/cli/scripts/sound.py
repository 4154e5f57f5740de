"""audio.py: speak a text, write down recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bailian.cli.account import settings_of
from bailian.cli.args.config_file import holds_many, read_request
from bailian.cli.args.options import SharedOptions
from bailian.cli.args.prepare import text_of_file
from bailian.cli.args.rows_options import models_of
from bailian.cli.args.target import Target, target_of
from bailian.cli.scripts.request import RequestSpec, run_all
from bailian.cli.sounds.spoken_pipe import comes_by_pipe, speak_piped
from bailian.errors import InvalidRequest
from bailian.files import naming
from bailian.files.outputs import format_of
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.types import Notice


def speak(given: Mapping[str, Any], common: SharedOptions) -> int:
    """Speak one text into one file."""
    fields = dict(given)
    text, file = fields.pop("text"), fields.pop("file")
    if text is not None and file is not None:
        raise InvalidRequest.one(
            "file",
            tr("give a text or a file, not both", "文本与 --file 只能给出一个"),
            advice=tr("leave one of the two out", "请去掉其中之一"),
        )
    if text is None and file is None and common.config is None and common.rows.each is None:
        text = "-"
    notices: list[Notice] = []
    fields["prompt"] = text if file is None else text_of_file(file, notices)
    here = settings_of(common)
    target = target_of("speech", common, here.defaults.folder)
    fields["format"] = format_of(fields["format"], target)
    if target.as_file and fields["subtitles"]:
        raise InvalidRequest.one(
            "subtitles",
            tr("stdout has room for the sound only: give -o a folder", "stdout 只能输出音频：请用 -o 指定目录"),
        )

    def said(one: str) -> int:
        return run_all("speech", [RequestSpec({**fields, "prompt": one}, target)], common, here)

    if fields["prompt"] == "-" and not models_of(fields) and comes_by_pipe(fields, target, common):
        return speak_piped(said)
    return run_all("speech", [RequestSpec(fields, target, tuple(notices))], common, here)


def transcribe(given: Mapping[str, Any], common: SharedOptions) -> int:
    """Write down recordings, each in a task of its own: the service takes one a task."""
    fields = dict(given)
    words, formats = fields.pop("files"), fields.pop("formats")
    fields["fast"] = fields["fast"] or None  # a flag that is not given leaves a config's as it is
    here = settings_of(common)
    target = target_of("transcription", common, here.defaults.folder)
    if target.stem is not None and len(words) > 1:
        raise InvalidRequest.one(
            "output",
            tr("one file cannot hold several transcripts: give a folder", "一个文件无法保存多份文稿：请指定目录"),
            advice="-o DIR",
        )
    found = format_of(formats[0] if len(formats) == 1 else None, target) if len(formats) < 2 else None
    fields["format"] = [found] if found else list(formats)
    if (target.as_file or target.stem is not None) and (len(formats) > 1 or "all" in formats):
        raise InvalidRequest.one("format", tr("several formats need a folder: -o DIR", "输出多种格式需要目录：-o DIR"))
    if not words and common.config and not holds_many(common.config):
        words = _recordings_of(common.config, common.config_paths)
    asked = [
        RequestSpec({**fields, "file": [word]}, replace(target, stem=_stem(target, word, common))) for word in words
    ]
    return run_all("transcription", asked or [RequestSpec(fields, target)], common, here)


def _recordings_of(config: Path, folder: Path) -> tuple[str, ...]:
    """Return the recordings that a config file names, placed in the folder where its paths begin: each becomes a task."""
    from bailian.batch.input.relative_paths import placed_path

    request = read_request(config)
    named = modality_of("transcription").from_config(request).get("file")
    words = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return tuple(placed_path(word, folder) for word in words if isinstance(word, str))


def _stem(target: Target, word: str, common: SharedOptions) -> str | None:
    """A transcript is named like its recording, unless a name or a template was given."""
    return target.stem or (None if common.name else "stdin" if word == "-" else naming.stem_of(word))
