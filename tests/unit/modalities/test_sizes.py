"""Sizes as people write them: one size of the model, told in a notice; or the sizes there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import Model, load
from bailian.modalities.rules import fields, sizes

CATALOG = load()
OF_BOTH_KINDS = [model for kind in ("image", "video") for model in CATALOG.of_kind(kind)]
MODELS = [model for model in OF_BOTH_KINDS if "resolution" not in model.parameters]  # these: test_film_sizes.py

MEANT = [
    ("wan2.2-t2i-flash", "1024x1024", "1024*1024"),
    ("wan2.2-t2i-flash", "512 X 512", "512*512"),
    ("wan2.2-t2i-flash", "1024×768", "1024*768"),
    ("wan2.2-t2i-flash", "１０２４＊７６８", "1024*768"),
    ("wan2.2-t2i-flash", " 1024*1024", "1024*1024"),
    ("wan2.2-t2i-flash", "1024 , 768px", "1024*768"),
    ("wan2.2-t2i-flash", "16:9", "1280*720"),
    ("wan2.2-t2i-flash", "9：16", "720*1280"),
    ("wan2.2-t2i-flash", "1:1", "1024*1024"),
    ("wan2.2-t2i-flash", "4:3", "1152*864"),
    ("wan2.2-t2i-flash", "720p", "1280*720"),
    ("wanx2.0-t2i-turbo", "16:9", "1280*720"),
    ("qwen-image", "16:9", "1664*928"),
    ("qwen-image", "4:3", "1472*1104"),
    ("qwen-image", "3:4", "1104*1472"),
    ("wan2.1-t2v-turbo", "16:9", "1280*720"),
    ("wan2.1-t2v-turbo", "9:16", "720*1280"),
    ("wan2.1-t2v-turbo", "720P", "1280*720"),
    ("wan2.1-t2v-turbo", "480p 9:16", "480*832"),
    ("wan2.2-t2v-plus", "1080p", "1920*1080"),
    ("wan2.5-t2v-preview", "720P (3:4)", "832*1088"),
]


@pytest.mark.parametrize("name, written, size", MEANT)
def test_a_size_is_what_it_is_called(name: str, written: str, size: str) -> None:
    """And the notice says which it is: prices and shapes depend on it."""
    found, (notice,) = sizes.resolved(CATALOG[name], written)
    assert found == size
    assert notice.code == "size_written"
    assert size in notice.message


@pytest.mark.parametrize(
    "name, written",
    [
        ("qwen-image", "21:9"),
        ("qwen-image", "720P"),
        ("wan2.1-t2v-turbo", "4:3 480P"),  # the tier has no such shape
        ("wan2.1-t2v-turbo", "1080P"),
        ("wan2.2-t2i-flash", "big"),
        ("wan2.2-t2i-flash", "16:9 please"),
        ("wan2.2-t2i-flash", "99:1"),
        ("wan2.2-t2i-flash", "0x0"),
        ("wan2.2-t2i-flash", "2K"),
    ],
)
def test_what_means_no_size_of_the_model_stays_as_it_is(name: str, written: str) -> None:
    """To be refused with the sizes there are."""
    assert sizes.resolved(CATALOG[name], written) == (written, [])


def test_a_tier_names_the_upright_size_too() -> None:
    _, (notice,) = sizes.resolved(CATALOG["wan2.1-t2v-turbo"], "720P")
    assert "1280*720 (upright: 720*1280)" in notice.message


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_sizes_written_right_are_not_touched(model: Model) -> None:
    for size in (model.default_size, *model.sizes, *model.size_aliases):
        assert sizes.resolved(model, size) == (size, [])


@given(st.text() | st.from_regex(r"[0-9]{1,4} ?[xX:*×p ] ?[0-9pP:]{0,7}", fullmatch=True), st.sampled_from(MODELS))
def test_any_text_is_a_size_or_as_it_was(text: str, model: Model) -> None:
    """What is made of a shape or a tier is a size, and one the model can be asked for."""
    size, notices = sizes.resolved(model, text)
    assert (size == text) != bool(notices) or fields.parse_size(size) is not None
    if notices:
        assert fields.parse_size(size) is not None
    if notices and ":" in text and not model.size_tiers:
        assert not fields.check_size(model, size)
