"""What may stand behind an option, or as an argument: by its name, and by the command and model that stand before it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from bailian.i18n import tr
from bailian.instructions import DOORS

if TYPE_CHECKING:
    from bailian.catalog import Catalog, Model

Offer = tuple[str, str]
"""A value, and what it is."""
Offers = Callable[[click.Context], Iterable[Offer]]

PICTURES = ("png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff", "gif")
FILMS = ("mp4", "mov", "avi", "mkv", "webm")
SOUNDS = ("wav", "mp3", "m4a", "flac", "ogg", "opus", "aac", "amr")
BATCHES = ("json", "jsonl", "csv", "tsv", "xlsx")
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "image": PICTURES, "last_frame": PICTURES, "mask_diff": PICTURES, "mask": (*PICTURES, *FILMS),
    "reference": (*PICTURES, *FILMS), "video": FILMS, "continue_": FILMS, "last_clip": FILMS, "audio": SOUNDS,
    "files": (*SOUNDS, *FILMS), "file": (), "config": ("json", "jsonl"), "pronounce": ("json",),
    "hot_words": ("txt", "json", "csv"), "json_schema": ("json",), "ocr_schema": ("json",),
}  # fmt: skip
"""Of which files an option or an argument takes the name; none: of any."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "format": ("wav", "mp3", "pcm", "opus"),
    "formats": ("txt", "srt", "vtt", "tsv", "json", "lrc", "ass", "all"),
    "subtitles": ("srt", "vtt", "lrc", "ass"),
    "ratio": ("16:9", "9:16", "1:1", "4:3", "3:4"),
    "vace": ("image_reference", "video_repainting", "video_edit", "video_extension", "video_outpainting"),
    "audio_setting": ("auto", "origin"),
    "shots": ("single", "multi"),
    "mask_type": ("tracking", "fixed"),
    "mask_from": ("paint", "alpha"),
    "expand_mode": ("hull", "bbox", "original"),
    "control_condition": ("posebodyface", "posebody", "depth", "scribble"),
    "obj_or_bg": ("obj", "bg"),
    "prompt_extend_mode": ("direct", "agent"),
    "ocr": ("text", "table", "formula", "document", "fields"),
}
USUAL_MODELS = {"image": "wan2.2-t2i-flash", "image_edit": "qwen-image-2.0", "video": "wan2.1-t2v-turbo"}
SHAPES = ("1:1", "16:9", "9:16", "4:3", "3:4")


def offered(param: click.Parameter, ctx: click.Context, begun: str) -> list[CompletionItem[str]] | None:
    """Return what may stand here; None: click's own answer for the parameter's type."""
    name = param.name or ""
    if name in OFFERS or name in WORDS:
        pairs = OFFERS[name](ctx) if name in OFFERS else ((word, "") for word in WORDS[name])
        return [CompletionItem(value, help=about or None) for value, about in pairs if value.startswith(begun)]
    if name == "file" and ctx.command_path.startswith("bailian batch"):
        return _files(begun, BATCHES)
    if name in SUFFIXES:
        return _files(begun, SUFFIXES[name])
    if name == "word":  # of `again`: a job or a file
        return [CompletionItem(value, help=about) for value, about in _ids(begun)] or _files(begun, ())
    if name in ("task_id", "task_ids", "claimant_id", "go_on"):
        return [CompletionItem(value, help=about) for value, about in _ids(begun)]
    if name in ("output", "folder"):
        return [CompletionItem(begun, type="dir" if name == "folder" else "file")]
    return None


def _files(begun: str, suffixes: tuple[str, ...]) -> list[CompletionItem[str]]:
    """Return the files with these suffixes and the folders; where there are none, the shell offers all files."""
    folder, name = os.path.split(begun)
    listed = []
    if suffixes:
        where = Path(folder or ".").expanduser()
        found = sorted(where.iterdir()) if where.is_dir() else []
        for path in found:
            if path.name.startswith(name) and (name.startswith(".") or not path.name.startswith(".")):
                whole = begun[: len(begun) - len(name)] + path.name
                if path.is_dir():
                    listed.append(CompletionItem(whole + "/"))
                elif path.suffix.lower().lstrip(".") in suffixes:
                    listed.append(CompletionItem(whole))
    return listed or [CompletionItem(begun, type="file")]


# ── from the catalog ──


def _kind(ctx: click.Context) -> str | None:
    """Return the kind of the command that is typed: each has models of its own."""
    path = ctx.command_path.partition(" ")[2].replace("_", "-")
    if path.startswith("audio voices"):
        return "speech"
    return next((kind for kind, door in DOORS.items() if door == path), None)


def _catalog(kind: str | None) -> Catalog:
    from bailian.catalog import load
    from bailian.config.home import home_folder

    return load(home_folder(), kind=kind)


def _models(ctx: click.Context) -> Iterator[Offer]:
    """Yield the living models first, then those that answer no more."""
    kind = _kind(ctx) or ctx.params.get("kind")
    models = _catalog(kind)
    every = models.of_kind(kind) if kind else list(models.values())

    def late(model: Model) -> tuple[bool, bool]:
        return model.retired(models.today), model.is_snapshot

    for model in sorted(every, key=late):
        yield model.name, _about(model, models)


def _about(model: Model, models: Catalog) -> str:
    if model.retired(models.today):
        return tr(f"retired on {model.retired_on}", f"{model.retired_on} 已下线")
    return model.title if tr("en", "zh") == "zh" else ""


def _sizes(ctx: click.Context) -> Iterator[Offer]:
    kind = _kind(ctx) or "image"
    model = _catalog(kind).find(ctx.params.get("model") or USUAL_MODELS[kind], kind)
    exact = [size for size in model.sizes if size not in model.size_aliases] or [*model.suggested_sizes]
    tiers = [*model.size_tiers, *(size for sizes in model.size_tiers.values() for size in sizes)]
    free = [*model.size_words, model.default_size, *SHAPES]
    return ((size, "") for size in dict.fromkeys(exact or tiers or free) if size)


def _voices(ctx: click.Context) -> Iterator[Offer]:
    """Yield the voices of the model that is named, or those of all."""
    from bailian.catalog.stock_voices import stock_voices

    asked = ctx.params.get("model")
    models = _catalog("speech")
    found = models.find(asked, "speech").name if asked else None
    seen: dict[str, str] = {}
    for voice in stock_voices({model.name: model for model in models.of_kind("speech")}):
        if found in (None, voice.model):
            seen.setdefault(
                voice.name, ", ".join(part for part in (voice.title, " ".join(voice.languages[:4])) if part)
            )
    yield from seen.items()


def _templates(ctx: click.Context) -> Iterator[Offer]:
    models = _catalog("video")
    return ((name, model.name) for model in models.of_kind("video") for name in model.templates)


# ── from the user's own files ──


def _profiles(_ctx: click.Context) -> Iterator[Offer]:
    from bailian.config.home import home_folder
    from bailian.config.settings_file import read_settings_file
    from bailian.config.user_defaults import profile_names

    home = home_folder()
    return ((name, "") for name in profile_names(read_settings_file(home), home))


def _ids(begun: str) -> Iterator[Offer]:
    from bailian.config.settings import journal_place
    from bailian.store.ids.recent_ids import recent_ids

    place = journal_place()
    # Who presses the tab key waits for no server.
    return iter(()) if place.is_shared else recent_ids(place.home, begun)


# ── from the code ──


def _regions(_ctx: click.Context) -> Iterator[Offer]:
    from bailian.config.endpoints import REGIONS

    return ((region, "") for region in REGIONS)


def _functions(_ctx: click.Context) -> Iterator[Offer]:
    from bailian.cli.args.edit_functions import FUNCTIONS

    return iter(FUNCTIONS.items())


def _states(_ctx: click.Context) -> Iterator[Offer]:
    from bailian.store.states import Status

    return ((str(state), "") for state in Status)


def _shells(_ctx: click.Context) -> Iterator[Offer]:
    from bailian.cli.completion.shells import SHELLS

    return ((name, shell.start_file) for name, shell in SHELLS.items())


OFFERS: Mapping[str, Offers] = {
    "model": _models,
    "model_name": _models,
    "size": _sizes,
    "voice": _voices,
    "template": _templates,
    "profile": _profiles,
    "region": _regions,
    "function": _functions,
    "states": _states,
    "shell": _shells,
}
