"""What stands beside a result: what went in, a film's first frame, a sound's waveform; and who asked for the same."""

from __future__ import annotations

import json
import math
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.batch.output import thumbnails
from bailian.batch.output.gallery import write_gallery
from bailian.batch.output.waveforms import LEVELS
from tests.support.pictures import bytes_of, drawn


def cards(folder: Path, *records: dict[str, Any], sandbox: bool = False) -> list[dict[str, Any]]:
    """Return the records as the page has them."""
    text = write_gallery(folder, records, title="批次", sandbox=sandbox).read_text(encoding="utf-8")
    made = json.loads(text.partition('id="records">')[2].partition("</script>")[0])
    assert isinstance(made, list)
    return made


def totals(folder: Path) -> dict[str, Any]:
    text = (folder / "gallery.html").read_text(encoding="utf-8")
    made = json.loads(text.partition('id="sums">')[2].partition("</script>")[0])
    assert isinstance(made, dict)
    return made


def edit(**request: Any) -> dict[str, Any]:
    return {"kind": "image_edit", "state": "done", "prompt": "换背景", "model": "qwen-image-2.0", "request": request}


def shown(folder: Path, name: str) -> dict[str, Any]:
    """Return what the page knows of one file."""
    (card,) = cards(folder, {"kind": "speech", "state": "done", "files": [name], "request": {}})
    only = card["files"][0]
    assert isinstance(only, dict)
    return only


def spoken(path: Path, *, width_bytes: int = 2, seconds: float = 1.0, hz: int = 8_000) -> Path:
    """Write a tone that is silent in its first half."""
    frames = bytearray()
    for at in range(int(seconds * hz)):
        value = math.sin(at) * 0.5 if at >= seconds * hz / 2 else 0.0
        whole = int(value * (1 << (8 * width_bytes - 1)))
        frames += bytes([whole + 128]) if width_bytes == 1 else whole.to_bytes(width_bytes, "little", signed=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(width_bytes)
        sound.setframerate(hz)
        sound.writeframes(bytes(frames))
    return path


def test_what_went_in_is_shown_without_its_folder(tmp_path: Path) -> None:
    private = tmp_path / "秘密 folder"
    private.mkdir()
    for name in ("狗 1.png", "mask.png"):
        (private / name).write_bytes(bytes_of(drawn()))
    page = tmp_path / "page"
    request = {"image": [(private / "狗 1.png").as_uri()], "mask": (private / "mask.png").as_uri()}
    (card,) = cards(page, {**edit(**request), "kind": "wanx_edit"})
    assert [(one["field"], one["name"], set(one)) for one in card["inputs"]] == [
        ("image", "狗 1.png", {"field", "name", "shape", "bytes", "thumb", "width_px", "height_px"}),
        ("mask", "mask.png", {"field", "name", "shape", "bytes", "thumb", "width_px", "height_px"}),
    ]
    assert all((page / one["thumb"]).is_file() for one in card["inputs"])
    text = (page / "gallery.html").read_text(encoding="utf-8")
    assert ("秘密" in text, "%E7%A7%98" in text) == (False, False)


@pytest.mark.parametrize(
    "word, told",
    [
        ("https://example.com/a/%E7%8C%AB.png?Signature=secret", {"name": "猫.png", "link": "example.com"}),
        ("oss://bucket/dir/a.png", {"name": "a.png", "link": "bucket"}),
        ("data:image/png;base64,AAAA", {"name": "", "link": "data"}),
        ("file:///nowhere/没有.png", {"name": "没有.png", "shape": "picture", "note": "missing"}),
        ("file:///nowhere/a%00b.png", {"name": "a\0b.png", "shape": "picture", "note": "missing"}),
    ],
)
def test_an_input_that_cannot_be_shown_says_what_it_is(tmp_path: Path, word: str, told: dict[str, str]) -> None:
    """A link is told by host and name: its signature is in no page, and nobody is asked for it."""
    (card,) = cards(tmp_path, edit(image=[word]))
    assert card["inputs"] == [{"field": "image", **told}]
    assert "secret" not in json.dumps(card["inputs"])


def test_inputs_that_are_not_there_yet_and_odd_kinds_are_none(tmp_path: Path) -> None:
    odd = [edit(image=[{"result_of": "hero"}]), edit(image=None), {**edit(image="x"), "kind": "<nosuch>"}]
    assert ["inputs" in one for one in cards(tmp_path, *odd)] == [False] * 3


@pytest.mark.parametrize("width_bytes", [1, 2, 3, 4])
def test_a_wav_has_a_waveform(tmp_path: Path, width_bytes: int) -> None:
    """Its silent half is flat, its loud half is high, whatever its samples are."""
    spoken(tmp_path / "你好.wav", width_bytes=width_bytes)
    only = shown(tmp_path, "你好.wav")
    assert (len(only["levels"]), only["lasts_s"]) == (LEVELS, 1.0)
    assert set(only["levels"][: LEVELS // 2 - 1]) <= {"0"}
    assert min(int(level, 36) for level in only["levels"][LEVELS // 2 + 1 :]) > 20


@pytest.mark.parametrize("suffix, codec", [("mp3", "libmp3lame"), ("flac", "flac"), ("opus", "libopus")])
@pytest.mark.parametrize("seconds", [2, pytest.param(90, marks=pytest.mark.slow)])
def test_a_packed_sound_has_one_too_where_it_can_be_read(tmp_path: Path, suffix: str, codec: str, seconds: int) -> None:
    """A long one is looked at in pieces; that changes nothing of its form."""
    encode(spoken(tmp_path / "a.wav", seconds=seconds, hz=16_000), tmp_path / f"a.{suffix}", codec)
    only = shown(tmp_path, f"a.{suffix}")
    levels = [int(level, 36) for level in only["levels"]]
    assert only["lasts_s"] == pytest.approx(seconds, abs=0.2)
    assert max(levels[: LEVELS // 2 - 3]) < 3
    assert min(levels[LEVELS // 2 + 3 : -2]) > 15


def encode(source: Path, target: Path, codec: str) -> None:
    av = pytest.importorskip("av")
    with (
        av.open(str(source)) as given,
        av.open(str(target), "w", format={"opus": "ogg"}.get(target.suffix[1:])) as made,
    ):
        stream = made.add_stream(codec, rate=48_000 if codec == "libopus" else 16_000)
        resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=stream.rate, frame_size=None)
        fifo = av.AudioFifo()
        for frame in (*given.decode(audio=0), None):
            for plain in resampler.resample(frame):
                fifo.write(plain)
        while (frame := fifo.read(stream.frame_size or 1024, partial=True)) is not None:
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))


def test_a_waveform_is_made_once(tmp_path: Path) -> None:
    path = spoken(tmp_path / "a.wav")
    before = shown(tmp_path, "a.wav")
    (kept,) = (tmp_path / thumbnails.THUMBS).glob("*.json")
    made_at_ns = kept.stat().st_mtime_ns
    assert shown(tmp_path, "a.wav") == before
    assert kept.stat().st_mtime_ns == made_at_ns
    kept.write_text('{"of": 1')
    assert shown(tmp_path, "a.wav") == before, "a damaged one is made again"
    spoken(path, seconds=2.0)
    assert shown(tmp_path, "a.wav")["lasts_s"] == 2.0


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.mp4", "a.webm"])
@pytest.mark.parametrize("content", [b"", b"RIFF\xff\xff\xff\x7fWAVE", b"<html>", b"#EXTM3U\nfile:///etc/passwd\n"])
def test_what_cannot_be_read_is_played_without_a_preview(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert set(shown(tmp_path, name)) == {"name", "shape", "href", "bytes"}


def test_a_sound_that_lies_about_its_length_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """As a sound that was written as a stream: its head says two gigabytes."""
    data = bytearray(spoken(tmp_path / "a.wav").read_bytes())
    data[4:8] = data[40:44] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "b.wav").write_bytes(data)
    only = shown(tmp_path, "b.wav")
    assert only["lasts_s"] == pytest.approx(1.0, abs=0.1)
    assert only["levels"][-8:] != "00000000"


def test_a_film_has_its_first_frame(tmp_path: Path) -> None:
    """With the film's own size; made once, as a thumbnail is."""
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "日出.mp4"), "w") as made:
        stream = made.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 320, "yuv420p"
        for color in ("red", "blue"):
            made.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (640, 320), color))))
        made.mux(stream.encode(None))
    only = shown(tmp_path, "日出.mp4")
    assert (only["width_px"], only["height_px"]) == (640, 320)
    with Image.open(tmp_path / only["thumb"]) as poster:
        assert poster.size == (400, 200)
        red, _green, blue = poster.getpixel((200, 100))
        assert red > 200 > blue
    assert shown(tmp_path, "日出.mp4") == only


def test_without_pyav_a_film_has_no_poster_and_wav_its_waveform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for name in ("a.mp4", "a.mp3"):
        (tmp_path / name).write_bytes(b"12345")
        assert set(shown(tmp_path, name)) == {"name", "shape", "href", "bytes"}
    assert "levels" in shown(tmp_path, spoken(tmp_path / "a.wav").name)


def test_the_sandbox_has_no_money(tmp_path: Path) -> None:
    """A whole batch of it, and single jobs among others."""
    paid = {**edit(), "cost_cny": 0.2, "took_s": 1.0}
    (card,) = cards(tmp_path, paid, sandbox=True)
    assert (card["sandbox"], "cost_cny" in card) == (True, False)
    assert (totals(tmp_path)["cost_cny"], totals(tmp_path)["sandbox"]) == (None, 1)
    cards(tmp_path, paid, {**paid, "sandbox": True})
    assert (totals(tmp_path)["cost_cny"], totals(tmp_path)["sandbox"]) == (0.2, 1)


def test_rows_that_differ_in_nothing_but_the_model_are_known(tmp_path: Path) -> None:
    """What each model does when nothing is said (its size) is no difference; what went in is one."""
    first = {**edit(prompt="猫", size="1024*1024", model="a", prompt_extend=True), "model": "a"}
    same = {**edit(prompt="猫", size="1328*1328", model="b"), "model": "b"}
    other = {**edit(prompt="猫", size="1024*1024", model="b", image=["https://h/dog.png"]), "model": "b"}
    one, two, three = cards(tmp_path, first, same, other)
    assert one["asked"] == two["asked"] != three["asked"]
    assert one["same"] != two["same"]
    again = {**first, "model": "c", "request": {**first["request"], "model": "c"}}
    assert len({card["same"] for card in cards(tmp_path, first, again)}) == 1
