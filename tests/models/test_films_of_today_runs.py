"""Every film model from the shell to a playable file: what it was given is seen in it, and what it cost is settled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bailian.catalog import load
from bailian.sandbox import Fault, Sandbox
from tests.sandbox.film_bodies import DAY, SAME, clip, distance, seen
from tests.support.commands import Run
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import wav
from tests.support.served_files import ServedFiles
from tests.support.service import first_post

pytest.importorskip("av")
OLD = ["--size", "480P"]
SHORT = ["--duration", "2"]
IMAGE, LAST, AUDIO = ["--image", "day.png"], ["--last-frame", "night.png"], ["--audio", "song.wav"]
PICTURE, FILM = ["--reference", "night.png"], ["--reference", "clip.mp4"]
VACE = ["--model", "wanx2.1-vace-plus", "--vace"]

RUNS: dict[str, tuple[list[str], float, bool]] = {
    # words; CNY; whether the film begins with day.png
    "wan2.7-t2v": ([*SHORT, "--ratio", "1:1"], 1.2, False),
    "wan2.5-t2v-preview": ([*OLD, *AUDIO], 1.5, False),
    "happyhorse-1.1-t2v": ([*OLD, "--duration", "3"], 1.35, False),
    "happyhorse-1.0-t2v": (["--duration", "3"], 2.7, False),
    "wanx2.1-i2v-turbo": ([*IMAGE, *OLD, "--duration", "3"], 0.72, True),
    "wanx2.1-i2v-plus": ([*IMAGE, "--template", "flying"], 3.5, True),
    "wan2.2-i2v-flash": ([*IMAGE, *OLD], 0.5, True),
    "wan2.2-i2v-plus": (IMAGE, 0.7, True),
    "wan2.5-i2v-preview": ([*IMAGE, *OLD, *AUDIO], 1.5, True),
    "wan2.6-i2v": ([*IMAGE, *SHORT, "--shots", "multi"], 1.2, True),
    "wan2.6-i2v-flash": ([*IMAGE, *SHORT, "--no-audio"], 0.3, True),
    "wan2.2-kf2v-flash": ([*IMAGE, *LAST, *OLD], 0.5, True),
    "wanx2.1-kf2v-plus": ([*IMAGE, *LAST], 3.5, True),
    "wan2.7-i2v": ([*IMAGE, *LAST, *AUDIO, *SHORT], 1.2, True),
    "wan2.7-i2v-2026-04-25": (["--continue", "clip.mp4", "--duration", "4"], 2.4, False),
    "happyhorse-1.1-i2v": ([*IMAGE, *OLD, "--duration", "3"], 1.35, True),
    "happyhorse-1.0-i2v": ([*IMAGE, "--duration", "3"], 2.7, True),
    "wan2.6-r2v": ([*PICTURE, *FILM, *SHORT], 2.7, False),
    "wan2.6-r2v-flash": ([*PICTURE, *SHORT, "--no-audio"], 0.3, False),
    "wan2.7-r2v": ([*PICTURE, *FILM, "--reference-voice", "1=song.wav", *SHORT], 3.0, False),
    "happyhorse-1.1-r2v": ([*PICTURE, *OLD, "--duration", "3"], 1.35, False),
    "happyhorse-1.0-r2v": ([*PICTURE, "--duration", "3"], 2.7, False),
    "wan2.7-videoedit": (["--video", "clip.mp4", *PICTURE], 3.6, False),
    "happyhorse-1.0-video-edit": (["--video", "LINK", *PICTURE], 5.4, False),
    "wan3.0-video": ([*IMAGE, *LAST, *OLD, *SHORT, "--no-audio"], 0.6, True),
    "wan3.0-video-prime": (["--video", "clip.mp4", *AUDIO, *OLD, *SHORT], 4.05, False),
    "image_reference": ([*VACE, "image_reference", *PICTURE, "--size", "960*960"], 3.5, False),
    "video_repainting": ([*VACE, "video_repainting", "--video", "clip.mp4", "--control-condition", "depth"], 2.1, False),
    "video_edit": ([*VACE, "video_edit", "--video", "clip.mp4", "--mask", "mask.png"], 2.1, False),
    "video_extension": ([*VACE, "video_extension", *IMAGE], 3.5, True),
    "video_outpainting": ([*VACE, "video_outpainting", "--video", "clip.mp4", "--top-scale", "1.5"], 2.1, False),
}  # fmt: skip
OF_BEFORE = {"wan2.1-t2v-turbo", "wan2.1-t2v-plus", "wan2.2-t2v-plus", "wan2.6-t2v"}  # tests/cli/test_text2video.py


@pytest.fixture
def link(tmp_path: Path) -> Iterator[str]:
    """The files that go in, here, and the address of the clip."""
    film = clip(3, sound=True)
    mask = Image.new("L", (480, 368))
    mask.paste(255, (100, 100, 300, 300))
    for name, data in {
        "day.png": bytes_of(DAY),
        "night.png": bytes_of(drawn((640, 480), (20, 20, 70))),
        "clip.mp4": film,
        "song.wav": wav(b"\1\2" * 16000 * 4),
        "mask.png": bytes_of(mask),
    }.items():
        (tmp_path / name).write_bytes(data)
    with ServedFiles(**{"clip.mp4": film}) as files:
        yield files["clip.mp4"]


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize("name, words, charged_cny, begins", [(name, *run) for name, run in RUNS.items()])
def test_a_film_is_made_of_what_goes_in(
    text2video: Run, link: str, name: str, words: list[str], charged_cny: float, begins: bool
) -> None:
    model = [] if "--vace" in words else ["--model", name]
    given = [link if word == "LINK" else word for word in words]
    shown = text2video("海", *model, *given, "--json").json
    (path,) = shown["files"]
    film = seen(Path(path).read_bytes())
    assert film.codec == "h264"
    assert shown["cost"]["charged"] == pytest.approx(charged_cny)
    assert shown["cost"]["estimate"] >= shown["cost"]["charged"] - 1e-9, "an upper bound"
    if begins:
        assert distance(film.frames[0], DAY) < SAME


def test_every_model_is_run_here() -> None:
    names = {model.name for model in load().of_kind("video") if not model.is_snapshot}
    assert names - OF_BEFORE - {"wanx2.1-vace-plus"} <= set(RUNS)


@pytest.mark.slow
def test_a_film_that_fails_late_is_told_with_the_services_own_words(text2video: Run, box: Sandbox, link: str) -> None:
    fault = Fault(on="poll", kind="failed", code="InvalidParameter", message="Field required: input.media")
    box.faults.add(fault)
    shown = text2video("海", *IMAGE, *OLD, "--json", exits=4).json
    assert (shown["error"]["code"], shown["error"]["wire_code"]) == ("InvalidParameter", "InvalidParameter")
    assert "Field required: input.media" in shown["error"]["message"]
    assert first_post(box).body["model"] == "wan2.2-i2v-flash"
    assert link
