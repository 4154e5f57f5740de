"""Every model as data: `models.toml` in the package, corrected by `BAILIAN_HOME/models.toml`.

A new model is a table in one of the two files, never a branch in the code. A table may say
`like = "other-model"`: it starts from that model's fields and overrides what it names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from bailian.errors import InvalidRequest, SetupError
from bailian.language import say

if sys.version_info >= (3, 11):
    import tomllib as toml
else:
    import tomli as toml


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text; ValueError if it is none."""
    tables: dict[str, Any] = toml.loads(text)
    return tables


PACKAGE_FILE = Path(__file__).with_name("models.toml")

KINDS = ("image", "image_edit", "wanx_edit", "text", "video", "speech", "transcription")
MODES = ("task", "sync", "socket")


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model. Limits are the seed document's where it has them, else the service's.

    A limit that is absent (`None`, empty) is not checked. Prices are CNY, Beijing region.
    """

    name: str
    kind: str
    """One of `KINDS`: which script runs it, which section of a config file holds it."""
    mode: str
    """"task": POST creates a task that is polled. "sync": the POST's answer is the result."""
    route: str
    """Path of the POST below `/api/v1`, or of the socket below the host."""
    style: str = "prompt"
    """Body shape: "prompt" (`input.prompt`) or "messages" (`input.messages`)."""
    title: str = ""
    regions: tuple[str, ...] = ("beijing",)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Region → the name that region's service knows. Every value is accepted from the user too."""

    sizes: tuple[str, ...] = ()
    """The only sizes taken, "W*H". Empty: see `side_px`, `min_pixels`, `max_pixels`."""
    size_aliases: Mapping[str, str] = field(default_factory=dict)
    """Size the seed allows → size today's service takes instead (sent with a notice)."""
    suggested_sizes: tuple[str, ...] = ()
    """Sizes known to work where the service may refuse others (a notice, not a refusal)."""
    default_size: str = ""
    side_px: tuple[int, int] | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    aspect: tuple[float, float] | None = None
    """Smallest and largest width / height."""
    size_tiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Video: "720P" → its sizes; `price_cny` has the same keys."""

    n_max: int = 1
    seed: bool = True
    prompt_chars: int | None = None
    """Longer prompts are refused."""
    service_prompt_chars: int | None = None
    """The service cuts the prompt here without a word (a notice)."""
    negative_prompt_chars: int | None = None
    """0: the model has no negative prompt."""
    prompt_extend: bool = True
    """False: the service has no such switch for this model."""

    images_max: int = 0
    image_side_px: tuple[int, int] | None = None
    image_max_bytes: int | None = None
    durations_s: tuple[int, ...] = ()
    default_duration_s: int | None = None
    context_tokens: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    thinking: bool = False
    languages: tuple[str, ...] = ()
    description: str = ""
    sample_rate_hz: int | None = None
    word_times: bool = False
    language_hints: bool = False
    """Recognition: takes `language_hints`; others refuse or ignore it."""
    vocabulary: bool = False
    """Recognition: takes `vocabulary_id` (hot words)."""

    price_cny: float | Mapping[str, float] | None = None
    """Per `price_unit`; a table where the price depends on a tier, or on input and output."""
    price_unit: str = "image"
    """"image", "second", "10k_characters" or "1k_tokens"."""
    price_tiers: tuple[Mapping[str, float], ...] = ()
    """Text: `{up_to_input_tokens, input, output, …}`; the first tier that holds the input counts."""
    price_with_prompt_extend_cny: float | None = None
    region_price_cny: Mapping[str, float | Mapping[str, float]] = field(default_factory=dict)
    region_price_tiers: Mapping[str, tuple[Mapping[str, float], ...]] = field(default_factory=dict)
    free_quota: int | None = None
    """In `price_unit`s (text: tokens, speech: characters), Beijing only."""

    submit_per_s: float | None = None
    running_limit: int | None = None
    queue_limit: int | None = None
    poll_per_s: float = 20.0
    typical_s: float | None = None
    """How long a task usually runs, until the journal knows better."""

    retired_on: str = ""
    successor: str = ""
    unknown_to_service: bool = False
    """The seed names it, the vendor never had it: sent as named."""
    source: str = ""

    def wire_name(self, region: str) -> str:
        """Return the name this region's service knows."""
        return self.aliases.get(region, self.name)


FIELD_NAMES = tuple(f.name for f in fields(Model) if f.name != "name")


class Catalog(Mapping[str, Model]):
    """All models by canonical name; `find` also takes the regions' names."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._models = {model.name: model for model in models}
        self._by_alias = {alias: model for model in self._models.values() for alias in model.aliases.values()}

    def __getitem__(self, name: str) -> Model:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def of_kind(self, kind: str) -> list[Model]:
        return [model for model in self._models.values() if model.kind == kind]

    def find(self, name: str, kind: str | None = None) -> Model:
        """Return the model of that name or alias.

        Raises:
            InvalidRequest: no such model, or one of another kind; the text names the nearest ones.
        """
        model = self._models.get(name) or self._by_alias.get(name)
        if model is not None and kind in (None, model.kind):
            return model
        if model is not None:
            raise InvalidRequest.one(
                "model",
                say(
                    f"{name} is a model for {script_of(model.kind)}, not for {script_of(kind or '')}",
                    f"{name} 应该用 {script_of(model.kind)} 调用，不是 {script_of(kind or '')}",
                ),
            )
        known = [m.name for m in self._models.values() if kind in (None, m.kind)]
        raise InvalidRequest.one(
            "model",
            say(f"unknown model {name!r}", f"没有名为 {name!r} 的模型") + did_you_mean(name, known),
            advice=say(
                "`bailian models` lists all; a model that is newer than this version goes into "
                "models.toml in the folder that `bailian doctor` names",
                "`bailian models` 列出全部模型；比本版本更新的模型可以写进 `bailian doctor` 所示文件夹里的 models.toml",
            ),
        )


SCRIPTS = {
    "image": "text2image.py",
    "image_edit": "image_edit.py",
    "wanx_edit": "wanx_edit.py",
    "video": "text2video.py",
    "text": "text2text.py",
    "speech": "audio.py tts",
    "transcription": "audio.py asr",
}


def script_of(kind: str) -> str:
    """Return the script that runs models of this kind."""
    return SCRIPTS[kind]


def did_you_mean(word: str, known: Iterable[str], count: int = 3) -> str:
    """Return "; did you mean a, b?" or the empty string."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=count, cutoff=0.5)
    if not near:
        return ""
    names = ", ".join(near)
    return say(f"; did you mean {names}?", f"；您是想用 {names} 吗？")


def load(home: Path | None = None) -> Catalog:
    """Read the package's models, then the user's `models.toml` in `home` over them.

    Raises:
        SetupError: the user's file is not TOML, or has a table that is not a model.
    """
    tables = _read(PACKAGE_FILE)
    overlay_path = home / "models.toml" if home else None
    if overlay_path is not None and overlay_path.is_file():
        overlay = _read_overlay(overlay_path)
        for name, table in overlay.items():
            tables[name] = {**tables.get(name, {}), **table}
        built = {name: _build(name, tables) for name in tables}
        for name in overlay:
            _check(built[name], overlay_path)
        return Catalog(built.values())
    return Catalog(_build(name, tables) for name in tables)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    with path.open("rb") as file:
        content = toml.load(file)
    models = content.get("models", {})
    unknown = [name for name in content if name != "models"]
    wrong = (
        [name for name, table in models.items() if not isinstance(table, dict)] if isinstance(models, dict) else [""]
    )
    if unknown or wrong:
        raise ValueError(
            say('every table must be [models."NAME"]', '每个表都应写成 [models."模型名"]') + f": {(unknown + wrong)[0]}"
        )
    tables: dict[str, dict[str, Any]] = models
    return tables


def _build(name: str, tables: Mapping[str, Mapping[str, Any]], seen: tuple[str, ...] = ()) -> Model:
    return Model(name=name, **_fields_of(name, tables, seen))


def _fields_of(name: str, tables: Mapping[str, Mapping[str, Any]], seen: tuple[str, ...]) -> dict[str, Any]:
    own: dict[str, Any] = {key: _frozen(value) for key, value in tables[name].items()}
    parent = own.pop("like", None)
    if parent is None:
        return {"kind": "", "mode": "", "route": "", **own}
    if not isinstance(parent, str) or parent not in tables or parent in (*seen, name):
        raise SetupError(
            say(
                f"model {name}: `like` names {parent!r}, which is not there",
                f"模型 {name}：like 所指的 {parent!r} 不存在",
            )
        )
    return {**_fields_of(parent, tables, (*seen, name)), **own}


def _frozen(value: Any) -> Any:
    """Return TOML's lists as tuples and dates as text, also inside tables."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value


def _read_overlay(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = _read(path)
    except OSError as error:
        raise SetupError(say(f"cannot read {path}: {error.strerror}", f"无法读取 {path}：{error.strerror}")) from None
    except ValueError as error:  # TOML's and Unicode's errors are ValueErrors
        raise SetupError(say(f"{path} is not valid TOML: {error}", f"{path} 不是合法的 TOML：{error}")) from None
    for name, table in tables.items():
        for key in table:
            if key != "like" and key not in FIELD_NAMES:
                raise SetupError(
                    say(f"{path}: model {name} has an unknown field {key!r}", f"{path}：模型 {name} 有未知字段 {key!r}")
                    + did_you_mean(key, FIELD_NAMES)
                )
    return tables


def _check(model: Model, path: Path) -> None:
    """Check a user's model by type; the package's own are checked by a test."""
    from pydantic import TypeAdapter, ValidationError

    try:
        # By way of JSON, whose strict mode takes lists for tuples but no text for a number.
        TypeAdapter(Model).validate_json(json.dumps(vars(model), default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SetupError(f"{path}: {model.name}: {where}: {first['msg']}") from None
    for key, value, allowed in (("kind", model.kind, KINDS), ("mode", model.mode, MODES)):
        if value not in allowed:
            raise SetupError(
                say(
                    f"{path}: {model.name}: {key} {value!r} is not one of {', '.join(allowed)}",
                    f"{path}：{model.name}：{key} {value!r} 只能是 {', '.join(allowed)}",
                )
            )
