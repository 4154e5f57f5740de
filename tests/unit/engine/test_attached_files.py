"""What becomes of the local files of a request when it leaves: small pictures go in it, all else is uploaded."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bailian.engine.steps import attach
from bailian.errors import InvalidRequest
from bailian.files import formats
from bailian.inputs.lookup import input_of
from bailian.inputs.wire_fields import WIRE_FIELDS
from bailian.service import client
from bailian.store.paths import path_of
from tests.support.films import film
from tests.support.pictures import PICTURE, bytes_of, drawn
from tests.support.recordings import wav


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was uploaded, by name."""
    names: list[str] = []

    def upload(_service: object, path: Path, _model: str, _mark: str) -> str:
        names.append(path.name)
        return f"oss://bucket/{path.name}"

    monkeypatch.setattr(attach, "upload", upload)
    return names


def sent(
    wire_input: dict[str, Any], *, upload: bool = False, origins: dict[str, str] | None = None, home: Path = Path()
) -> Any:
    job: Any = SimpleNamespace(
        id="j-1",
        wire_model="m",
        prepared=SimpleNamespace(
            body={"model": "m", "input": wire_input}, upload=upload, digests={}, origins=origins or {}
        ),
    )
    services: Any = SimpleNamespace(
        service=None, run_state=SimpleNamespace(uploads={}), journal=SimpleNamespace(folder=home)
    )
    return attach.with_files(job, services)["input"]


def at(value: str, name: str) -> dict[str, Any]:
    """Return an input that holds a file where this wire field stands."""
    if name in ("url", "reference_voice"):
        return {"media": [{"type": "reference_image", name: value}]}
    return {name: [value] if name in ("reference_urls", "ref_images_url", "images", "file_urls") else value}


def found(value: Any) -> str:
    while not isinstance(value, str):
        value = next(inner for key, inner in value.items() if key != "type") if isinstance(value, dict) else value[0]
    return value


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "a.png").write_bytes(PICTURE)
    (tmp_path / "a.wav").write_bytes(wav())
    film(tmp_path / "a.mp4", seconds=0.25)
    return {name: tmp_path / f"a.{name}" for name in ("png", "wav", "mp4")}


@pytest.mark.few(4)
@pytest.mark.parametrize("name", sorted({*WIRE_FIELDS} - {"file_urls"} - attach.RECORDINGS_IN_MESSAGES))
def test_a_small_picture_goes_in_the_request(files: dict[str, Path], uploads: list[str], name: str) -> None:
    wire = sent(at(files["png"].as_uri(), name))
    assert found(wire).startswith("data:image/png;base64,")
    assert not uploads


@pytest.mark.parametrize("name", ["url", "reference_urls", "video_url", "first_clip_url", "mask_video_url"])
@pytest.mark.parametrize("what", ["mp4", "wav"])
def test_films_and_sounds_are_uploaded(files: dict[str, Path], uploads: list[str], name: str, what: str) -> None:
    """And the service is told to look them up there."""
    wire = sent(at(files[what].as_uri(), name))
    assert found(wire) == f"oss://bucket/a.{what}"
    assert uploads == [f"a.{what}"]
    assert client.resolve_header({"input": wire})


@pytest.mark.parametrize("name", sorted(attach.RECORDINGS_IN_MESSAGES))
def test_a_recording_goes_into_a_message(files: dict[str, Path], uploads: list[str], name: str) -> None:
    """It is judged again: what has been changed after the check is not sent."""
    wire = sent({"messages": [{"role": "user", "content": [{name: files["wav"].as_uri()}]}]})
    assert wire["messages"][0]["content"][0][name].startswith("data:audio/wav;base64,UklGR")
    assert not uploads
    os.truncate(files["wav"], 7_500_001)
    with pytest.raises(InvalidRequest, match="has grown after the check"):
        sent({name: files["wav"].as_uri()})
    with pytest.raises(InvalidRequest, match="no recording any more"):
        sent({name: files["png"].as_uri()})


def test_voices_are_uploaded_beside_an_inlined_picture(files: dict[str, Path], uploads: list[str]) -> None:
    item = {"type": "reference_image", "url": files["png"].as_uri(), "reference_voice": files["wav"].as_uri()}
    (wire,) = sent({"media": [item]})["media"]
    assert wire["url"].startswith("data:image/png")
    assert wire["reference_voice"] == "oss://bucket/a.wav"


def test_a_file_that_stands_twice_is_uploaded_once(files: dict[str, Path], uploads: list[str]) -> None:
    url = files["mp4"].as_uri()
    wire = sent({"media": [{"type": "video", "url": url}, {"type": "reference_video", "url": url}]})
    assert {item["url"] for item in wire["media"]} == {"oss://bucket/a.mp4"}
    assert uploads == ["a.mp4"]


def test_pictures_are_uploaded_where_the_model_wants_links_or_they_are_large(
    files: dict[str, Path], uploads: list[str]
) -> None:
    assert found(sent(at(files["png"].as_uri(), "ref_images_url"), upload=True)).startswith("oss://")
    os.truncate(files["png"], formats.DATA_URI_MAX_BYTES + 1)
    assert found(sent(at(files["png"].as_uri(), "url"))).startswith("oss://")


@pytest.mark.parametrize("name", ["img_url", "first_frame_url", "image"])
def test_a_picture_that_was_changed_after_the_check_is_not_sent(
    files: dict[str, Path], uploads: list[str], name: str
) -> None:
    files["png"].write_bytes(b"text")
    with pytest.raises(InvalidRequest, match="no picture any more"):
        sent(at(files["png"].as_uri(), name))
    assert not uploads


def test_a_prompt_that_looks_like_a_file_stays_a_prompt(files: dict[str, Path], uploads: list[str]) -> None:
    assert sent({"prompt": files["png"].as_uri()}) == {"prompt": files["png"].as_uri()}


def test_another_machine_fetches_the_same_file_from_storage_or_refuses_another_one(tmp_path: Path) -> None:
    """What was checked is sent, wherever: the copy of the machine that checked it is not here."""
    memory = pytest.importorskip("fsspec").filesystem("memory")
    origin = f"memory://{tmp_path.name}/cat.png"
    memory.pipe_file(origin, PICTURE)
    checked = input_of("image", origin, tmp_path / "one")
    assert checked.origin == origin
    path_of(checked.url).unlink()
    wire = {"base_image_url": checked.url}
    there = sent(wire, origins={checked.url: origin}, home=tmp_path / "other")
    assert there["base_image_url"].startswith("data:image/png;base64,")
    memory.pipe_file(origin, bytes_of(drawn()))
    with pytest.raises(InvalidRequest, match="was changed since it was checked"):
        sent(wire, origins={checked.url: origin}, home=tmp_path / "third")
