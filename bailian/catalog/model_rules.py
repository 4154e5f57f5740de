"""What a field of a model may hold: for the user's `models.toml`, of which nothing is taken on trust.

A rule says what is allowed (English, Chinese) where a value is not; it returns nothing where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from bailian.catalog.model import ABILITIES, KINDS, MODES, THINKING_DEFAULTS, WAYS, Model
from bailian.catalog.roles import MEDIA_OF_ROLE, OPTIONAL_MARK, ROLES, TRANSPORTS
from bailian.i18n import tr

Rule = Callable[[Any], "str | None"]
PRICE_UNITS = ("image", "second", "10k_characters", "1k_tokens")
STYLES = (
    "prompt", "messages", "images", "parts", "img_url", "first_last_frame", "media", "reference_urls", "function",
    "duplex", "text_voice", "audio", "input_audio", "file_urls", "file_url",
)  # fmt: skip
OUTPUT_TYPES = ("dense", "sparse", "dense&sparse")
AUDIO_FORMATS = ("mp3", "wav", "pcm", "opus")
SIZE_WORDS = ("1K", "2K", "4K")
EXTEND_MODES = ("direct", "agent")
PARAMETERS = (
    "size", "n", "seed", "watermark", "negative_prompt", "prompt_extend", "prompt_extend_mode", "enable_thinking",
    "thinking_mode", "bbox_list", "color_palette", "enable_sequential", "enable_interleave", "max_images",
    "resolution", "ratio", "duration", "audio", "audio_setting", "shot_type", "template", "control_condition", "strength",
    "mask_type", "mask_frame_id", "expand_ratio", "expand_mode", "obj_or_bg", "top_scale", "bottom_scale", "left_scale",
    "right_scale",
)  # fmt: skip
OF_ALL_WAYS = ("name", "kind", "kinds", "mode", "route", "style", "aliases", "ways")
"""What a way of calling cannot change."""
MOST = 10**9
MOST_CNY = 10**6


def number(low: float, high: float = MOST, *, whole: bool = False) -> Rule:
    def rule(value: Any) -> str | None:
        right_type = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if right_type and low <= value <= high:
            return None
        if low == high:
            return f"{low:g}"
        kind = tr("a whole number", "整数") if whole else tr("a number", "数字")
        return tr(f"{kind} from {low:g} to {high:g}", f"{low:g} 到 {high:g} 的{kind}")

    return rule


def text(pattern: str = r"[^\x00-\x1f\x7f]*", what: tuple[str, str] = ("a text of one line", "一行文本")) -> Rule:
    def rule(value: Any) -> str | None:
        return None if isinstance(value, str) and re.fullmatch(pattern, value) else tr(*what)

    return rule


def one_of(*allowed: str) -> Rule:
    def rule(value: Any) -> str | None:
        names = ", ".join(allowed)
        return None if isinstance(value, str) and value in allowed else tr(f"one of {names}", f"以下之一：{names}")

    return rule


def flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else tr("true or false", "true 或 false")


def list_of(rule: Rule, *, least: int = 0) -> Rule:
    def of_all(value: Any) -> str | None:
        if not isinstance(value, tuple) or len(value) < least:
            return tr("a list", "列表")
        return next((tr(f"a list, each {no}", f"列表，每项为{no}") for one in value if (no := rule(one))), None)

    return of_all


def range_of(rule: Rule) -> Rule:
    def of_both(value: Any) -> str | None:
        if isinstance(value, tuple) and len(value) == 2 and not any(map(rule, value)) and value[0] <= value[1]:
            return None
        each = rule(None)
        return tr(f"[smallest, largest], each {each}", f"[最小, 最大]，每项为{each}")

    return of_both


def table_of(rule: Rule, needed: tuple[str, ...] = ()) -> Rule:
    def of_all(value: Any) -> str | None:
        if not isinstance(value, Mapping):
            return tr("a table", "表")
        missing = [name for name in needed if name not in value]
        if missing:
            names = ", ".join(needed)
            return tr(f"a table with {names}", f"含 {names} 的表")
        return next((tr(f"a table, each {no}", f"表，每项为{no}") for one in value.values() if (no := rule(one))), None)

    return of_all


def either(one: Rule, other: Rule) -> Rule:
    def rule(value: Any) -> str | None:
        problem, second = one(value), other(value)
        return None if problem is None or second is None else tr(f"{problem}, or {second}", f"{problem}，或{second}")

    return rule


def day(value: Any) -> str | None:
    try:
        # From 3.11 on other forms are taken, too, which do not compare as text.
        if value == "" or date.fromisoformat(value).isoformat() == value:
            return None
    except (TypeError, ValueError):
        pass
    return tr("a date: YYYY-MM-DD", "日期：YYYY-MM-DD")


def ways(value: Any) -> str | None:
    """Check each field that is different in a way of calling by its own rule."""
    listed = ", ".join(WAYS)
    if not isinstance(value, Mapping) or not all(isinstance(own, Mapping) for own in value.values()):
        return tr(f"a table of tables: {listed}", f"由表组成的表：{listed}")
    wrong = next((way for way in value if way not in WAYS), None)
    if wrong is not None:
        return tr(f"a table of {listed} ({wrong!r} is none)", f"{listed} 之一的表（没有 {wrong!r}）")
    for way, own in value.items():
        for name, inner in own.items():
            allowed = RULES[name](inner) if name in RULES and name not in OF_ALL_WAYS else _no_field()
            if allowed is not None:
                return tr(f"right: {way}.{name} must be {allowed}", f"正确的：{way}.{name} 应为{allowed}")
    return None


def _no_field() -> str:
    return tr("left out: no field of a way", "删去：不是可按调用方式更改的字段")


def table_by(keys: tuple[str, ...], rule: Rule) -> Rule:
    """A table whose keys are some of these."""
    allowed_key, of_values = one_of(*keys), table_of(rule)

    def of_all(value: Any) -> str | None:
        problem = of_values(value)
        wrong = None if problem else next(filter(None, map(allowed_key, value)), None)
        return tr(f"a table, each key {wrong}", f"表，每个键为{wrong}") if wrong else problem

    return of_all


def fields_by(rules: Mapping[str, Rule]) -> Rule:
    """A table of some of these fields, each by its own rule."""

    def of_all(value: Any) -> str | None:
        if not isinstance(value, Mapping):
            return tr("a table", "表")
        for name, inner in value.items():
            allowed = rules[name](inner) if name in rules else tr("left out: no such field", "删去：没有该字段")
            if allowed is not None:
                return tr(f"right: {name} must be {allowed}", f"正确的：{name} 应为{allowed}")
        return None

    return of_all


COUNT, MAYBE_NONE = number(1, whole=True), number(0, whole=True)
RATE = either(number(0, 0), number(0.001, 10_000))
PRICE = number(0, MOST_CNY)
TIER = text(r"[1-9]\d{2,3}P", ("a tier such as 720P", "档位，例如 720P"))
RATIO = text(r"adaptive|[1-9]\d?:[1-9]\d?", ("a shape such as 16:9", "比例，例如 16:9"))
SIZE = text(r"[1-9]\d{0,5}\*[1-9]\d{0,5}", ("a size such as 1024*1024", "尺寸，例如 1024*1024"))
NAME = text(r"[^\x00-\x1f\x7f]{1,200}", ("a name of one line", "一行名称"))
TIERS = list_of(table_of(number(0), ("input", "output")))

ROLE = one_of(*ROLES)
SECONDS = number(0, 3600)
LIMITS: Mapping[str, Rule] = {
    "max": COUNT, "formats": list_of(NAME), "side_px": range_of(COUNT), "aspect": range_of(number(0.001, 1000)),
    "max_bytes": COUNT, "alpha": flag, "seconds": range_of(SECONDS), "fps": range_of(number(0, 1000)),
    "transports": list_of(one_of(*TRANSPORTS), least=1), "part_of_film": flag, "billed_s": SECONDS, "billed_shared": list_of(ROLE, least=1),
}  # fmt: skip
"""The fields of a role's `InputLimits`."""
TOGETHER: Mapping[str, Rule] = {
    "roles": list_of(ROLE, least=1), "max": COUNT, "seconds": SECONDS, "with_output_s": SECONDS,
}  # fmt: skip
FILM_RULES: Mapping[str, Rule] = {
    "input_sets": list_of(list_of(one_of(*ROLES, *(role + OPTIONAL_MARK for role in ROLES)))),
    "inputs": table_by(ROLES, fields_by(LIMITS)), "roles": table_of(ROLE), "together": list_of(fields_by(TOGETHER)),
    "ratios": list_of(RATIO), "default_ratio": either(one_of(""), RATIO), "prompt_han_chars": COUNT,
    "prompt_required": flag, "extends_usually": flag, "duration_adapted": flag, "silent": flag,
    "length_of": one_of("", *(role for role, media in MEDIA_OF_ROLE.items() if media == "video")),
    "templates": list_of(NAME), "reference_name": text(), "control_conditions": list_of(text()), "price_silent_cny": table_of(PRICE),
    "region_price_silent_cny": table_of(table_of(PRICE)),
}  # fmt: skip

RULES: Mapping[str, Rule] = {
    "name": NAME, "kind": one_of(*KINDS), "kinds": list_of(one_of(*KINDS), least=1), "mode": one_of(*MODES),
    "route": text(r"/[\x21-\x7e]+", ("a path that begins with /", "以 / 开头的路径")), "style": one_of(*STYLES),
    "title": text(), "regions": list_of(NAME), "aliases": table_of(NAME),
    "sizes": list_of(SIZE), "size_aliases": table_of(SIZE), "suggested_sizes": list_of(SIZE),
    "default_size": either(either(one_of("", *SIZE_WORDS), TIER), SIZE), "side_px": range_of(COUNT), "min_pixels": COUNT, "max_pixels": COUNT,
    "aspect": range_of(number(0.001, 1000)), "size_words": list_of(one_of(*SIZE_WORDS)), "size_step_px": COUNT,
    "size_kept": flag, "follows_picture": flag, "parameters": list_of(one_of(*PARAMETERS)), "ways": ways,
    "prompt_extend_modes": list_of(one_of(*EXTEND_MODES)), "image_aspect": range_of(number(0.001, 1000)),
    "image_formats": list_of(NAME), "image_alpha": flag, "price_max_px": table_of(COUNT),
    "price_input_image_cny": PRICE, "region_price_input_image_cny": table_of(PRICE), "assumed_prices": list_of(NAME),
    "size_tiers": table_of(list_of(SIZE)),
    "n_max": COUNT, "seed": flag, "prompt_chars": COUNT, "service_prompt_chars": COUNT,
    "negative_prompt_chars": MAYBE_NONE, "prompt_extend": flag,
    "images_min": MAYBE_NONE, "images_max": MAYBE_NONE, "image_side_px": range_of(COUNT),
    "image_advised_px": range_of(COUNT), "image_max_bytes": COUNT, "durations_s": list_of(number(-1, whole=True)),
    "region_durations_s": table_of(list_of(COUNT)), "default_duration_s": number(-1, whole=True), "context_tokens": COUNT, "max_input_tokens": COUNT, "max_output_tokens": COUNT,
    "thinking": flag, "thinking_default": one_of("", *THINKING_DEFAULTS), "thinking_budget": flag, "abilities": list_of(one_of(*ABILITIES)),
    "sight_max_px": COUNT, "films_max": MAYBE_NONE, "film_s": range_of(COUNT), "film_frame_max_px": COUNT,
    "unavailable": one_of("", "compatible"), "texts_max": COUNT, "dimensions": list_of(COUNT),
    "region_dimensions": table_of(list_of(COUNT)), "output_types": list_of(one_of(*OUTPUT_TYPES)), "instruct": flag,
    "batch_api_regions": list_of(NAME), "languages": list_of(text()), "description": text(r"[^\x00-\x08\x0b-\x1f\x7f]*"),
    "sample_rate_hz": COUNT, "word_times": flag, "language_hints": flag, "vocabulary": flag, "speakers": flag,
    "hints_max": COUNT, "inline_words": flag, "context": flag,
    "callable": flag, "audio_max_s": COUNT, "audio_max_bytes": number(1, 10**12, whole=True), "han_counts": COUNT,
    "http_route": text(r"(/[\x21-\x7e]+)?", ("a path that begins with /", "以 / 开头的路径")),
    "audio_formats": list_of(one_of(*AUDIO_FORMATS)), "sample_rates_hz": list_of(COUNT), "ssml": flag, "pronunciations": flag,
    "instructions": one_of("", "free", "fixed"), "own_voices": list_of(one_of("clone", "design")),
    "price_cny": either(PRICE, table_of(PRICE)), "price_unit": one_of(*PRICE_UNITS), "price_tiers": TIERS,
    "price_with_prompt_extend_cny": PRICE, "region_price_cny": table_of(either(PRICE, table_of(PRICE))),
    "region_price_tiers": table_of(TIERS), "free_quota": MAYBE_NONE,
    "submit_per_s": RATE, "running_limit": MAYBE_NONE, "queue_limit": MAYBE_NONE,
    "poll_per_s": number(0.001, 10_000), "typical_s": number(0),
    "retired_on": day, "successor": text(), "retirement_notice": text(), "unknown_to_service": flag, "source": text(),
    **FILM_RULES,
}  # fmt: skip
OPTIONAL = frozenset(field for field, value in Model.__dict__.items() if field in RULES and value is None)
"""Fields that may be absent: TOML cannot say None."""


def problem_of(model: Model) -> tuple[str, Any, str] | None:
    """Return the first field that is wrong, its value, and what it must be; None: all is well."""
    values = vars(model)
    for field, rule in RULES.items():
        value = values[field]
        if value is None and field in OPTIONAL:
            continue
        allowed = rule(value)
        if allowed is not None:
            return field, value, allowed
    if "text" in model.kinds:
        tables = [
            ("price_cny", model.price_cny),
            *(("region_price_cny", one) for one in model.region_price_cny.values()),
        ]
        for field, table in tables:
            if isinstance(table, Mapping) and not {"input", "output"} <= set(table):
                return field, dict(table), tr("a table with input, output", "含 input, output 的表")
    if model.min_pixels and model.max_pixels and model.min_pixels > model.max_pixels:
        return "min_pixels", model.min_pixels, tr("at most max_pixels", "不大于 max_pixels 的整数")
    return None
