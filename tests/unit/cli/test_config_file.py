"""A JSON file becomes the fields of one request, flat or nested, and nothing in it is guessed at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.input.row_schema import flat_fields
from bailian.cli.args.config_file import holds_many, read_request
from bailian.errors import InvalidRequest

FLAT = {"model": "qwen-image", "prompt": "一只猫", "negative_prompt": "模糊", "size": "1328*1328", "n": 1}
NESTED = {
    "model": "qwen-image",
    "input": {"prompt": "一只猫", "negative_prompt": "模糊"},
    "parameters": {"size": "1328*1328", "n": 1},
}
MIXED = {
    "model": "qwen-image",
    "prompt": "一只猫",
    "negative_prompt": "模糊",
    "parameters": {"size": "1328*1328", "n": 1},
}


def written(folder: Path, value: object) -> Path:
    path = folder / "request.json"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode())
    return path


@pytest.mark.parametrize("form", [FLAT, NESTED, MIXED])
def test_all_forms_are_the_same_request(tmp_path: Path, form: dict[str, Any]) -> None:
    """Nested as the service writes it, flat, or a mixture."""
    assert read_request(written(tmp_path, form)) == FLAT


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    assert read_request(written(tmp_path, b"\xef\xbb\xbf" + json.dumps(FLAT).encode())) == FLAT


@pytest.mark.parametrize(
    "form, field",
    [
        ({"size": "1*1", "parameters": {"size": "2*2"}}, "parameters.size"),
        ({"model": "a", "input": {"model": "a"}}, "input.model"),
        ({"input": {"seed": 1}, "parameters": {"seed": 1}}, "parameters.seed"),
    ],
)
def test_a_field_in_two_places_is_refused(form: dict[str, Any], field: str) -> None:
    """Which one was meant is not guessed, even where both say the same."""
    with pytest.raises(InvalidRequest, match=f"{field}: is given twice"):
        flat_fields(form)


@pytest.mark.parametrize("part", ["input", "parameters"])
@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_a_part_that_is_no_object_is_refused(part: str, value: object) -> None:
    """`input` and `parameters` hold fields."""
    with pytest.raises(InvalidRequest, match=f"{part}: must be an object"):
        flat_fields({part: value})


@pytest.mark.parametrize("text", [b'{"n": 1, "n": 2}', b'{"parameters": {"n": 1, "n": 1}}'])
def test_a_field_that_stands_twice_is_refused(tmp_path: Path, text: bytes) -> None:
    """JSON would silently keep the last one."""
    with pytest.raises(InvalidRequest, match="n: stands twice"):
        read_request(written(tmp_path, text))


@pytest.mark.parametrize("value", [[], [FLAT], {"image_tasks": []}, {"video_tasks": [], "model": "x"}])
def test_several_requests_are_a_batch(tmp_path: Path, value: object) -> None:
    """Lists and sections are run as a batch, one request is not."""
    assert holds_many(written(tmp_path, value))
    assert not holds_many(written(tmp_path, FLAT))


@pytest.mark.parametrize("value", ["text", 5, None, True])
def test_what_is_no_object_is_refused(tmp_path: Path, value: object) -> None:
    """JSON, but no request."""
    with pytest.raises(InvalidRequest, match="no JSON object"):
        read_request(written(tmp_path, value))


def test_a_syntax_error_is_told_with_its_place(tmp_path: Path) -> None:
    """Line and column, as an editor counts them."""
    with pytest.raises(InvalidRequest, match=r"request\.json is not JSON: line 2, column 8"):
        read_request(written(tmp_path, b'{\n  "n": }'))


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}", b"{'n': 1}", b"\x00"])
def test_what_cannot_be_read_as_json_is_refused(tmp_path: Path, text: bytes) -> None:
    """Too deep, too long a number, the wrong quotes: exit 2, naming the file."""
    with pytest.raises(InvalidRequest, match=r"request\.json"):
        read_request(written(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Missing, or a folder."""
    for path in (tmp_path / "no.json", tmp_path):
        with pytest.raises(InvalidRequest, match="config: cannot read"):
            read_request(path)


NAMES = st.sampled_from(["model", "prompt", "size", "n", "seed"])
VALUES = st.none() | st.booleans() | st.integers() | st.text()


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_no_field_is_lost(top: dict[str, Any], inner: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Every field arrives with its value, or the request is refused."""
    try:
        flat = flat_fields({**top, "input": inner, "parameters": parameters})
    except InvalidRequest:
        assert len({*top, *inner, *parameters}) < len(top) + len(inner) + len(parameters)
    else:
        assert flat == {**top, **inner, **parameters}
