"""How a picture was made: into the file, out of it, and back into the command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian import __version__
from bailian.files import png, recipe
from bailian.types import Item, StoredRequest
from tests.support.pictures import PICTURE

REQUEST = {
    "model": "wan2.2-t2i-flash",
    "prompt": "a cat, 一只猫",
    "negative_prompt": "",
    "size": "1024*1024",
    "n": 2,
    "seed": 7,
    "prompt_extend": True,
    "watermark": False,
}
LINK = "https://storage.example/1.png?Signature=secret"


@dataclass
class Made:
    kind: str = "image"
    model: str = "wan2.2-t2i-flash"
    wire_model: str = "wan2.2-t2i-flash"
    request: Mapping[str, Any] = field(default_factory=lambda: dict(REQUEST))
    prepared: StoredRequest = field(
        default_factory=lambda: StoredRequest(body={"parameters": {"size": "1024*1024"}}, unit_cny=0.14)
    )
    task_id: str | None = "t-1"
    request_id: str | None = "r-1"
    created_at_s: float = 1_700_000_000.12345


def made(**wire: Any) -> dict[str, Any]:
    return recipe.recipe(Made(), Item(1, url=LINK, wire={"url": LINK, **wire}), 0.14)


def test_a_recipe_holds_what_makes_it_again() -> None:
    """The request, what was really sent, what the service made of it, and the ids for support."""
    assert made(seed=8, actual_prompt="a fluffy cat") == {
        "kind": "image",
        **REQUEST,
        "sent_as": "1024*1024",
        "wire_model": "wan2.2-t2i-flash",
        "picture": 2,
        "picture_seed": 8,
        "actual_prompt": "a fluffy cat",
        "task_id": "t-1",
        "request_id": "r-1",
        "cost_cny": 0.14,
        "created_at_s": 1_700_000_000.123,
        "toolkit": __version__,
    }


def test_a_recipe_holds_no_link() -> None:
    """A signed link is a secret for a day; the picture may be shown to anybody."""
    assert "storage.example" not in json.dumps(made())


def test_a_recipe_leaves_out_what_is_not_known() -> None:
    """No null is written into the file."""
    job = Made(task_id=None, prepared=StoredRequest())
    assert not {"task_id", "sent_as", "cost_cny", "picture_seed"} & recipe.recipe(job, Item(0), None).keys()


def test_a_recipe_is_read_back_from_the_picture(tmp_path: Path) -> None:
    """What was written into the PNG is what `bailian show` reads."""
    path = tmp_path / "a.png"
    path.write_bytes(png.with_text(PICTURE, recipe.png_texts(made())))
    assert recipe.read(path) == made()
    assert png.texts(path.read_bytes())["Description"] == REQUEST["prompt"]


@pytest.mark.parametrize("text", ["\ud83d", "a\ud83d"])
def test_a_prompt_that_the_service_cut_inside_an_emoji_can_be_saved(text: str) -> None:
    """JSON may hold half a character; a paid picture is saved all the same."""
    written = png.with_text(PICTURE, recipe.png_texts(made(actual_prompt=text)))
    assert png.is_complete(written)
    assert json.loads(png.texts(written)[recipe.KEY])["picture"] == 2


def test_a_recipe_is_read_from_the_sidecar(tmp_path: Path) -> None:
    """Formats without text chunks have a file beside them; what is inside the picture wins."""
    path = tmp_path / "a.png"
    path.write_bytes(PICTURE)
    path.with_suffix(".png.json").write_text(json.dumps({"kind": "image", "prompt": "beside"}), encoding="utf-8")
    assert recipe.read(path) == {"kind": "image", "prompt": "beside"}
    path.write_bytes(png.with_text(PICTURE, recipe.png_texts(made())))
    assert recipe.read(path) == made()


@pytest.mark.parametrize("text", [None, b"", b"{", b"[]", b'"text"', b'{"prompt": "x"}', b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("place", ["inside", "beside"])
def test_a_file_of_others_has_no_recipe(tmp_path: Path, text: bytes | None, place: str) -> None:
    """Whatever stands in a foreign file, the answer is None."""
    path = tmp_path / "a.png"
    path.write_bytes(PICTURE)
    if text is not None and place == "inside":
        path.write_bytes(png.with_text(PICTURE, {recipe.KEY: text.decode("latin-1")}))
    elif text is not None:
        path.with_suffix(".png.json").write_bytes(text)
    assert recipe.read(path) is None


def test_the_command_makes_it_again() -> None:
    """Every field stands in the line, quoted for the shell."""
    assert recipe.command({"kind": "image", **REQUEST}, "python text2image.py") == (
        "python text2image.py --model wan2.2-t2i-flash --size '1024*1024' --n 2 --seed 7 "
        "--prompt-extend --no-watermark 'a cat, 一只猫'"
    )


def test_a_seed_of_zero_is_a_seed() -> None:
    """Zero is a value; only what is absent is left out."""
    assert "--seed 0" in recipe.command({"kind": "image", "prompt": "x", "seed": 0}, "text2image.py")


@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
        lambda text: text.strip() and text != "-"
    ),
    negative=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    seed=st.none() | st.integers(0, 2147483647),
    watermark=st.booleans(),
)
def test_the_command_is_read_back_as_the_same_request(
    prompt: str, negative: str, seed: int | None, watermark: bool
) -> None:
    """The shell and the script understand the line exactly as it was meant, whatever the prompt looks like."""
    import text2image

    request = {**REQUEST, "prompt": prompt, "negative_prompt": negative, "seed": seed, "watermark": watermark}
    _python, _script, *words = shlex.split(recipe.command({"kind": "image", **request}, "python text2image.py"))
    read = text2image.main.make_context("text2image.py", words).params
    assert {name: read[name] or "" if name == "negative_prompt" else read[name] for name in request} == request


FILM = {
    "kind": "video",
    "model": "wan2.7-r2v",
    "prompt": "图1 向 图2 招手",
    "references": ["file:///a/猫 1.jpg", "https://h/b.mp4"],
    "reference_voices": ["", "file:///a/v=1.mp3"],
    "image": ["file:///a/first.png"],
    "continue": [],
    "ratio": "9:16",
    "duration": 5,
    "no_audio": True,
    "obj_or_bg": ["obj", "bg"],
    "prompt_extend": False,
}


def test_the_command_of_a_film_names_what_went_in() -> None:
    """As the shell reads it: references in their order, a voice with the number of its reference."""
    import text2video

    _python, _script, *words = shlex.split(recipe.command(FILM, "python text2video.py"))
    read = text2video.main.make_context("text2video.py", words).params
    assert read["reference"] == tuple(FILM["references"])  # type: ignore[arg-type]
    assert read["reference_voice"] == ("2=file:///a/v=1.mp3",)
    assert (read["image"], read["continue_"]) == (("file:///a/first.png",), ())
    assert (read["ratio"], read["duration"], read["no_audio"]) == ("9:16", 5, True)
    assert (read["obj_or_bg"], read["prompt_extend"], read["prompt"]) == (("obj", "bg"), False, FILM["prompt"])


def test_a_film_without_a_prompt_has_none_in_its_command() -> None:
    assert recipe.command({"kind": "video", "image": ["a.png"]}, "text2video.py") == "text2video.py --image a.png"
