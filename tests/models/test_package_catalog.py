"""The package's own models: every table is a valid model, and the facts in it agree with each other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bailian.catalog import FIELD_NAMES, KINDS, MODES, Model, load
from bailian.catalog.model_tables import PACKAGE_FILES
from bailian.catalog.roles import FUNCTIONS, InputLimits
from bailian.modalities.rules.ways import called
from tests.support.rules import for_every

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOG = load()
MODELS = list(CATALOG.values())

TEXT_PRICES = (
    *("input", "output", "thinking_output", "cached_input"),
    *("off_peak_input", "off_peak_output", "off_peak_cached_input"),
)
REGIONS = {"beijing", "singapore", "virginia", "frankfurt", "tokyo", "hongkong"}
PRICE_UNITS = {"image", "second", "10k_characters", "1k_tokens"}

SEED_MODELS = {
    "qwen-image": "image",
    "wan2.2-t2i-flash": "image",
    "wan2.2-t2i-plus": "image",
    "wanx2.1-t2i-turbo": "image",
    "wanx2.1-t2i-plus": "image",
    "wanx2.0-t2i-turbo": "image",
    "qwen-image-edit": "image_edit",
    "wanx2.1-imageedit": "wanx_edit",
    "qwen-turbo": "text",
    "qwen-plus": "text",
    "qwen-max": "text",
    "wan2.1-t2v-plus": "video",
    "wan2.1-t2v-turbo": "video",
    "sambert-zhichu-v1": "speech",
    "sambert-en-v1": "speech",
    "paraformer-v1": "transcription",
    "paraformer-en-v1": "transcription",
}

ROUTES = {
    "text": {"/services/aigc/text-generation/generation", "/services/aigc/multimodal-generation/generation"},
    "video": {"/services/aigc/video-generation/video-synthesis", "/services/aigc/image2video/video-synthesis"},
    "image": {
        "/services/aigc/text2image/image-synthesis",
        "/services/aigc/image-generation/generation",
        "/services/aigc/multimodal-generation/generation",
    },
    "image_edit": {
        "/services/aigc/image-generation/generation",
        "/services/aigc/image2image/image-synthesis",
        "/services/aigc/multimodal-generation/generation",
    },
    "wanx_edit": {"/services/aigc/image2image/image-synthesis"},
    "speech": {"/api-ws/v1/inference", "/services/aigc/multimodal-generation/generation"},
    "transcription": {"/services/audio/asr/transcription", "/services/aigc/multimodal-generation/generation"},
    "embedding": {"/services/embeddings/text-embedding/text-embedding"},
}

each_model = for_every(MODELS, name=lambda model: model.name)


def pixels_of(size: str) -> tuple[int, int]:
    width, height = size.split("*")
    return int(width), int(height)


def tier_sizes(model: Model) -> set[str]:
    return {size for sizes in model.size_tiers.values() for size in sizes}


def assert_size_obeys(model: Model, size: str) -> None:
    width, height = pixels_of(size)
    if model.sizes:
        assert size in model.sizes
    if model.size_tiers:
        assert size in tier_sizes(model)
    if model.side_px:
        assert model.side_px[0] <= min(width, height) <= max(width, height) <= model.side_px[1]
    if model.min_pixels is not None:
        assert width * height >= model.min_pixels
    if model.max_pixels is not None:
        assert width * height <= model.max_pixels
    if model.aspect:
        assert model.aspect[0] <= width / height <= model.aspect[1]


def _tables(path: Path) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = tomllib.loads(path.read_text(encoding="utf-8"))["models"]
    return tables


def test_each_model_stands_once_in_the_file_of_its_usual_kind() -> None:
    names = [name for path in PACKAGE_FILES for name in _tables(path)]
    every = {**CATALOG, **CATALOG.not_callable}
    assert len(names) == len(set(names)) == len(every)
    assert {path: {every[name].kind for name in _tables(path)} for path in PACKAGE_FILES} == {
        path: {path.stem} for path in PACKAGE_FILES
    }


def test_only_known_fields() -> None:
    tables = [(name, table) for path in PACKAGE_FILES for name, table in _tables(path).items()]
    unknown = {name: set(table) - {*FIELD_NAMES, "like"} for name, table in tables}
    assert {name: keys for name, keys in unknown.items() if keys} == {}


@pytest.mark.slow
@each_model
def test_types(model: Model) -> None:
    TypeAdapter(Model).validate_python(vars(model))


@each_model
def test_kind_mode_route(model: Model) -> None:
    assert set(model.kinds) <= set(KINDS)
    assert model.kind == model.kinds[0]
    assert model.mode in MODES
    assert all(model.route in ROUTES[kind] for kind in model.kinds)
    films = ("prompt", "img_url", "first_last_frame", "media", "reference_urls", "function")
    heard = ("prompt", "file_urls", "file_url", "audio", "input_audio")
    styles = {"video": films, "speech": ("prompt", "duplex", "text_voice"), "transcription": heard}
    assert model.style in styles.get(model.kind, ("prompt", "messages", "images", "parts"))
    assert (model.style == "first_last_frame") == model.route.endswith("image2video/video-synthesis")
    if model.kind == "transcription":
        assert (model.mode == "sync") == (model.style in ("audio", "input_audio"))
    elif model.route.endswith("multimodal-generation/generation"):
        own = {"text": "parts", "speech": "text_voice"}.get(model.kind, "messages")
        assert (model.mode, model.style) == ("sync", own)
    if model.route.endswith("-synthesis"):
        assert model.mode == "task"
    assert (model.mode == "socket") == (model.kind == "speech" and model.style != "text_voice")


@each_model
def test_title_source_regions(model: Model) -> None:
    assert model.title
    assert model.source
    assert model.regions[0] == "beijing"
    assert set(model.regions) <= REGIONS
    assert set(model.aliases) <= set(model.regions)
    assert set(model.region_price_cny) <= set(model.regions) - {"beijing"}


@pytest.mark.parametrize(("name", "kind"), SEED_MODELS.items())
def test_the_seeds_models_are_there(name: str, kind: str) -> None:
    assert CATALOG.find(name, kind).name == name
    assert "seed" in CATALOG[name].source


@each_model
def test_sizes(model: Model) -> None:
    if model.kind in ("image", "video"):
        assert model.default_size
    if model.default_size and model.default_size not in (*model.size_words, *model.size_tiers):
        assert_size_obeys(model, model.default_size)
    for size in (*model.sizes, *model.suggested_sizes):
        assert_size_obeys(model, size)
    assert model.default_size not in model.size_aliases
    for allowed, sent in model.size_aliases.items():
        if model.kind == "video":
            assert allowed not in tier_sizes(model)
        else:
            assert allowed in model.sizes
        assert_size_obeys(model, sent)
        assert sent not in model.size_aliases


def test_the_seeds_sizes_of_qwen_image() -> None:
    seed_sizes = ("1328*1328", "1664*928", "1472*1140", "1140*1472", "928*1664")
    assert CATALOG["qwen-image"].sizes[:5] == seed_sizes
    assert not CATALOG["qwen-image"].seed
    assert CATALOG["qwen-image"].n_max == 1


@pytest.mark.parametrize("name", ["wan2.1-t2v-turbo", "wan2.1-t2v-plus"])
@pytest.mark.parametrize("size", ["480*854", "720*1280", "960*544", "1024*576"])
def test_the_seeds_video_sizes_become_sizes_the_model_has(name: str, size: str) -> None:
    model = CATALOG[name]
    sent = model.size_aliases.get(size, size)
    assert sent in tier_sizes(model)
    width, height = pixels_of(size)
    sent_width, sent_height = pixels_of(sent)
    assert (width > height) == (sent_width > sent_height), "a wide film stays wide"


@each_model
def test_prices(model: Model) -> None:
    assert model.price_unit in PRICE_UNITS
    assert model.price_cny is not None or model.unknown_to_service or (model.kind == "text" and model.retired_on)
    for price in (model.price_cny, *model.region_price_cny.values()):
        amounts = list(price.values()) if isinstance(price, Mapping) else [price]
        assert all(amount is None or amount > 0 for amount in amounts)
    if model.kind == "video":
        for price in (model.price_cny, *model.region_price_cny.values()):
            assert isinstance(price, Mapping)
            assert set(price) <= set(model.size_tiers)
        assert isinstance(model.price_cny, Mapping)
        assert set(model.price_cny) == set(model.size_tiers)
        for silent in (model.price_silent_cny, *model.region_price_silent_cny.values()):
            assert set(silent) in (set(), set(model.size_tiers))
        assert set(model.region_price_cny) in ({*model.regions} - {"beijing"}, set())
        assert set(model.assumed_prices) <= set(model.region_price_cny)
    if model.kind == "text":
        for price in (model.price_cny, *model.region_price_cny.values()):
            assert isinstance(price, Mapping) or (price is None and model.retired_on)
            assert_text_price(model, price or {"input": 1.0, "output": 1.0})


def assert_text_price(model: Model, price: Mapping[str, float]) -> None:
    """At night nothing is dearer, and what the service has read before is cheaper."""
    assert {"input", "output"} <= set(price) <= {"up_to_input_tokens", *TEXT_PRICES}
    assert "thinking_output" not in price or model.thinking
    assert price.get("cached_input", 0) < price["input"]
    for name in ("input", "output", "cached_input"):
        assert price.get(f"off_peak_{name}", 0) < price.get(name, 1)
    assert ("off_peak_input" in price) == ("off_peak_output" in price)


@each_model
def test_what_goes_into_a_film(model: Model) -> None:
    """Every role of a set has limits, and every role with limits is in a set; 720P where a model has it."""
    if model.kind != "video":
        return
    own = [model, *(called(model, [name]) for name in FUNCTIONS if name in model.ways)]
    roles = {role for one in own for roles in one.allowed_inputs() for role in roles}
    assert roles == set(model.inputs)
    assert any(one.input_sets for one in own)
    assert set(model.ways) >= (set(FUNCTIONS) if model.style == "function" else set())
    assert all(isinstance(model.limits_of(role), InputLimits) for role in roles)
    usual = next(tier for tier, sizes in model.size_tiers.items() if model.default_size in (tier, *sizes))
    prices = dict(model.price_cny or ())  # type: ignore[arg-type]
    assert usual == ("720P" if "720P" in prices else min(prices, key=lambda tier: prices[tier]))
    assert ("ratio" in model.parameters) == bool(model.ratios)
    assert model.default_ratio in ("", *model.ratios)


@each_model
def test_price_tiers(model: Model) -> None:
    if not model.price_tiers:
        return
    for tier in model.price_tiers:
        assert_text_price(model, tier)
    limits = [tier["up_to_input_tokens"] for tier in model.price_tiers]
    assert limits == sorted(set(limits))
    assert model.max_input_tokens is not None
    assert limits[-1] >= model.max_input_tokens, "the last tier holds the longest input"
    first = {key: value for key, value in model.price_tiers[0].items() if key != "up_to_input_tokens"}
    assert first == model.price_cny


@each_model
def test_numbers(model: Model) -> None:
    assert model.n_max >= 1
    assert model.submit_per_s is not None
    assert model.submit_per_s > 0
    if model.service_prompt_chars is not None and model.prompt_chars is not None:
        assert model.service_prompt_chars < model.prompt_chars
    if model.kind == "text" and model.price_cny is not None:
        assert model.context_tokens
        assert model.max_output_tokens
    if model.kind == "video":
        assert model.default_duration_s in model.durations_s
    if {"image_edit", "wanx_edit"} & {*model.kinds}:
        assert model.images_max >= 1
        assert model.images_min in (None, 0, 1)
        assert model.image_side_px or model.image_advised_px
        assert model.image_max_bytes


@pytest.mark.parametrize(("kind", "rate"), [("image", 2.0), ("text", 10.0), ("video", 1.0)])
def test_the_seeds_rates_are_not_exceeded(kind: str, rate: float) -> None:
    for name, seed_kind in SEED_MODELS.items():
        if seed_kind == kind:
            assert (CATALOG[name].submit_per_s or 0) <= rate


def test_names_and_aliases_are_unique() -> None:
    names = [*CATALOG, *(alias for model in MODELS for alias in model.aliases.values())]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "region", "wire_name"),
    [
        ("wan2.1-t2v-plus", "beijing", "wanx2.1-t2v-plus"),
        ("wan2.1-t2v-turbo", "beijing", "wanx2.1-t2v-turbo"),
        ("wan2.1-t2v-plus", "singapore", "wan2.1-t2v-plus"),
        ("wanx2.1-t2i-plus", "singapore", "wan2.1-t2i-plus"),
        ("wanx2.1-t2i-turbo", "beijing", "wanx2.1-t2i-turbo"),
        ("wan2.6-t2v", "virginia", "wan2.6-t2v-us"),
    ],
)
def test_names_differ_by_region(name: str, region: str, wire_name: str) -> None:
    assert CATALOG[name].wire_name(region) == wire_name
    assert CATALOG.find(wire_name) is CATALOG[name]


@each_model
def test_what_ends_says_when_by_which_notice_and_what_follows(model: Model) -> None:
    """A date without a notice is a rumour; a successor must be of every kind that the model was, and live."""
    assert bool(model.retired_on) == bool(model.successor) == bool(model.retirement_notice)
    if model.retired_on:
        date.fromisoformat(model.retired_on)
        assert model.retirement_notice[:6].isdecimal(), "the vendor's notices have numbers of six digits"
        for kind in model.kinds:
            assert not CATALOG.find(model.successor, kind).retired_on


def test_what_the_vendor_retired_on_2026_10_10() -> None:
    """The notices 118177, 118331, 118344 and 118434 were merged into one date; qwen-max is in none of them."""
    retired = {model.name: (model.retired_on, model.successor) for model in MODELS if model.retired_on}
    pictures = ("qwen-image", "qwen-image-plus", "qwen-image-max")
    edits = ("qwen-image-edit", "qwen-image-edit-plus", "qwen-image-edit-max")
    assert retired == {
        **dict.fromkeys((*pictures, *edits), ("2026-10-10", "qwen-image-2.0")),
        "qwen-turbo": ("2026-10-10", "qwen-flash"),
        "qwen-long-latest": ("2026-10-10", "qwen-long"),
        **dict.fromkeys(("qwen3-max", "qwen3.6-max-preview", "qwen3-coder-plus"), ("2026-10-10", "qwen3.7-max")),
        **dict.fromkeys(("qwen-vl-max", "qwen-vl-plus", "qwen3-vl-flash", "qwq-plus"), ("2026-10-10", "qwen3.7-plus")),
        "qwen-vl-ocr-latest": ("2026-10-10", "qwen3.5-ocr"),
        "deepseek-v3.2": ("2026-10-10", "deepseek-v4-flash"),
        "deepseek-r1": ("2026-10-10", "deepseek-v4-pro"),
        **dict.fromkeys(("glm-4.5", "glm-4.6", "glm-4.7"), ("2026-10-10", "glm-5.2")),
        "kimi-k2-thinking": ("2026-10-10", "kimi-k2.6"),
        **dict.fromkeys(("paraformer-v1", "paraformer-mtl-v1"), ("2026-10-10", "paraformer-v2")),
        "paraformer-8k-v1": ("2026-10-10", "paraformer-8k-v2"),
        "qwen3-tts-instruct-flash": ("2026-10-10", "qwen-audio-3.0-tts-flash"),
    }


@for_every([model for model in MODELS if model.kind == "text"], name=lambda model: model.name)
def test_what_a_text_model_can(model: Model) -> None:
    """What it sees has limits, and what thinks says when."""
    assert bool(model.thinking_default) == model.thinking
    assert ("sees" in model.abilities) == bool(model.images_max and model.image_side_px and model.sight_max_px)
    assert "sees" in model.abilities or model.films_max == 0
    assert "ocr" not in model.abilities or model.images_max == 1
    assert model.style == "parts" or "sees" not in model.abilities
    assert ("json_schema" in model.abilities) == ("json_thinking" in model.abilities)


def test_the_longest_answer_of_qwen3_7_max() -> None:
    assert CATALOG["qwen3.7-max"].max_output_tokens == 131_072


def test_the_file_says_as_of_when_it_is() -> None:
    """`bailian doctor` judges its age by this."""
    assert CATALOG.as_of is not None
    assert CATALOG.as_of >= date(2026, 10, 10)


def test_qwen_image_2_draws_and_edits() -> None:
    """Up to three pictures go in; without one it draws (vendor's page, 2026-10-12)."""
    for name in ("qwen-image-2.0", "qwen-image-2.0-pro"):
        model = CATALOG[name]
        assert model.kinds == ("image", "image_edit")
        assert (model.images_min, model.images_max) == (0, 3)
        assert set(model.regions) == {"beijing", "singapore"}


def test_names_the_vendor_never_had() -> None:
    assert {model.name for model in MODELS if model.unknown_to_service} == {
        "sambert-en-v1",
        "paraformer-en-v1",
    }


def test_voices() -> None:
    """Those of Sambert, each a model of its own; the others: tests/models/test_voices.py."""
    voices = [one for one in CATALOG.of_kind("speech") if one.style == "prompt" and not one.unknown_to_service]
    assert len(voices) == 43
    assert all(voice.description and voice.languages for voice in voices)
    assert len({voice.title for voice in voices}) == 43
    assert sum(voice.sample_rate_hz == 48000 for voice in voices) == 9
    assert sum(voice.sample_rate_hz == 16000 for voice in voices) == 34
    assert sum(not voice.word_times for voice in voices) == 6
    assert sum(voice.languages == ("en",) for voice in voices) == 7


def test_every_kind_has_models() -> None:
    assert {model.kind for model in MODELS} == set(KINDS)
