"""What no library can make sense of is a refusal of that field, at every door: exit 2, nothing sent, no traceback."""

from __future__ import annotations

import base64
import io
import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bailian.api import text2image as make_pictures
from bailian.errors import BailianError, InvalidRequest
from bailian.inputs import masks, resolve
from bailian.sandbox import Sandbox
from tests.support.commands import Run

Made = Callable[[], str]


def written(name: str, data: bytes) -> str:
    Path(name).write_bytes(data)
    return name


def cut(kind: str) -> str:
    name = f"cut.{kind.lower()}"
    Image.effect_noise((640, 512), 90).convert("RGB").save(name, kind)
    return written(name, Path(name).read_bytes()[:-3000])


def dds() -> str:
    """A texture of a kind that Pillow opens with NotImplementedError (DDS header: flags FOURCC, code XXXX)."""
    head = struct.pack("<7I44x", 124, 0x1007, 64, 64, 0, 0, 0)
    pixel_format = struct.pack("<2I4s5I", 32, 4, b"XXXX", 0, 0, 0, 0, 0)
    return written("a.dds", b"DDS " + head + pixel_format + bytes(20 + 4096))


def bomb() -> str:
    """A picture of 60,000 × 60,000 px by its header."""
    name = "bomb.bmp"
    Image.new("1", (8, 8)).save(name)
    data = bytearray(Path(name).read_bytes())
    data[18:26] = struct.pack("<2i", 60_000, 60_000)
    return written(name, bytes(data))


BAD_PICTURES: dict[str, tuple[Made, str]] = {
    "half an address": (lambda: "http://[::1", "http://[::1 is not a valid URL"),
    "no address": (lambda: "http://[::zz]/a.png", "not a valid URL"),
    "a placeholder": (lambda: "https://[your-bucket].oss-cn-beijing.aliyuncs.com/a.jpg", "nothing left in it to be filled"),
    "another placeholder": (lambda: "https://<bucket>.oss-cn-beijing.aliyuncs.com/a.jpg", "not a valid URL"),
    "and another": (lambda: "https://{bucket}.example.com/a.jpg", "not a valid URL"),
    "two dots in the host": (lambda: "http://example..com/x", "not a valid URL"),
    "two dots in a Chinese host": (lambda: "http://例..com/x", "not a valid URL"),
    "no host": (lambda: "https:///a.png", "not a valid URL"),
    "a port too high": (lambda: "https://example.com:99999/a.png", "not a valid URL"),
    "a port in words": (lambda: "https://example.com:port/a.png", "not a valid URL"),
    "a host of 64 letters": (lambda: f"https://{'a' * 64}.com/a.png", "not a valid URL"),
    "a NUL in a link": (lambda: "https://example.com/a\0.png", "not a valid URL"),
    "half a surrogate pair in a link": (lambda: "https://example.com/\ud83d.png", "not a valid URL"),
    "the home of nobody": (lambda: "~nosuchuser/x.png", "cannot read"),
    "a NUL in a path": (lambda: "a\0b.png", "null"),
    "a NUL in a file URL": (lambda: "file:///a%00b.png", "null"),
    "a folder": (lambda: ".", "cannot read"),
    "a name too long": (lambda: "猫" * 3000, "cannot read"),
    "a text": (lambda: written("notes.txt", "一些笔记".encode()), "notes.txt is text; taken: JPG"),
    "a cut PNG": (lambda: cut("PNG"), "is damaged"),
    "a cut JPEG": (lambda: cut("JPEG"), "is damaged"),
    "a cut TIFF": (lambda: cut("TIFF"), "is damaged"),
    "a DDS texture": (dds, "taken: JPG"),
    "a bomb": (bomb, "has too many pixels"),
    "data: without Base64": (lambda: "data:image/png,abc", "must be base64"),
    "data: with Chinese letters": (lambda: "data:image/png;base64,猫猫猫猫", "not valid base64"),
    "data: of nothing": (lambda: "data:image/png;base64,", "is empty"),
}  # fmt: skip
ONLY_PICTURES = ("a text", "a cut", "a DDS", "a bomb", "data:")
BAD_RECORDINGS = {
    **{name: row for name, row in BAD_PICTURES.items() if not name.startswith(ONLY_PICTURES)},
    "rich markup": (lambda: "http://[bold]/x.mp3", "not a valid URL"),
    "a folder": (lambda: ".", "is not a file"),
}


def rows_of(word: str, field: str) -> list[dict[str, object]]:
    kind = {"image": "wanx_edit", "mask": "wanx_edit", "file": "transcription"}[field]
    row: dict[str, object] = {"kind": kind, field: word}
    if field != "file":
        row |= {"function": "colorization", "prompt": "x"}
    if field == "mask":
        row |= {"function": "description_edit_with_mask", "image": "https://example.com/a.png"}
    return [row, dict(row), {"kind": "text", "prompt": "好"}]


def flag(wanx_edit: Run, audio: Run, _bailian: Run, word: str, field: str) -> str:
    if field == "file":
        return audio("asr", word, exits=2).err
    row = rows_of(word, field)[0]
    words = [f"--{name}={value}" for name, value in row.items() if name not in ("kind", "prompt")]
    return wanx_edit("x", *words, exits=2).err


def config(wanx_edit: Run, audio: Run, _bailian: Run, word: str, field: str) -> str:
    row = rows_of(word, field)[0]
    row.pop("kind")
    Path("c.json").write_text(json.dumps(row))
    words = ["--config", "c.json"]
    return (audio("asr", *words, exits=2) if field == "file" else wanx_edit(*words, exits=2)).err


def json_rows(_wanx_edit: Run, _audio: Run, bailian: Run, word: str, field: str) -> str:
    Path("rows.json").write_text(json.dumps(rows_of(word, field)))
    return named_rows(bailian("batch", "run", "rows.json", exits=2).err, "[0]", "[1]")


def jsonl(_wanx_edit: Run, _audio: Run, bailian: Run, word: str, field: str) -> str:
    Path("rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows_of(word, field)))
    return named_rows(bailian("batch", "run", "rows.jsonl", exits=2).err, "line 1", "line 2")


def csv_rows(_wanx_edit: Run, _audio: Run, bailian: Run, word: str, field: str) -> str:
    rows = rows_of(word, field)
    names = list(dict.fromkeys(name for row in rows for name in row))
    # By hand: not every Python's csv writes a NUL.
    lines = [",".join(f'"{row.get(name, "")}"' for name in names) for row in [{name: name for name in names}, *rows]]
    Path("rows.csv").write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    return bailian("batch", "run", "rows.csv", exits=2).err


def python(_wanx_edit: Run, _audio: Run, _bailian: Run, word: str, field: str) -> str:
    from bailian.inputs.lookup import input_of

    with pytest.raises(InvalidRequest) as refused:
        input_of(field, word, Path("bailian"))
    assert {problem.field for problem in refused.value.problems} == {field}
    return f"{refused.value}"


def named_rows(said: str, *rows: str) -> str:
    """One problem, with all its rows."""
    assert "nothing is sent, 1 problem" in said
    assert all(row in said for row in rows)
    return said


DOORS = (flag, config, json_rows, jsonl, csv_rows, python)
doors = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)


def refused_at(
    door: Callable[..., str], runs: tuple[Run, Run, Run], box: Sandbox, field: str, make: Made, says: str
) -> None:
    word = make()
    said = door(*runs, word, field)
    if door is csv_rows and "\ud83d" in word:
        says, field = "UTF-8", ""  # no table holds it: the file as a whole is refused
    if door is csv_rows and "\0" in word and sys.version_info < (3, 11):
        says, field = "NUL", ""  # nor this
    assert says in said
    assert field in said
    assert "Traceback" not in said
    assert box.requests == []


@pytest.mark.few(2)
@doors
@pytest.mark.parametrize("make, says", BAD_PICTURES.values(), ids=BAD_PICTURES)
@pytest.mark.parametrize("field", ["image", "mask"])
def test_a_bad_picture_is_refused(
    wanx_edit: Run, audio: Run, bailian: Run, box: Sandbox, field: str, make: Made, says: str, door: Callable[..., str]
) -> None:
    refused_at(door, (wanx_edit, audio, bailian), box, field, make, says)


@pytest.mark.few(1)
@doors
@pytest.mark.parametrize("make, says", BAD_RECORDINGS.values(), ids=BAD_RECORDINGS)
def test_a_bad_recording_is_refused(
    wanx_edit: Run, audio: Run, bailian: Run, box: Sandbox, make: Made, says: str, door: Callable[..., str]
) -> None:
    refused_at(door, (wanx_edit, audio, bailian), box, "file", make, says)


GOOD_LINKS = (
    "https://example.com/a.png", "http://127.0.0.1:8000/a.png", "http://[::1]:80/a.png", "https://user:p@e.com/a",
    "https://my_bucket.oss-cn-beijing.aliyuncs.com/[1].jpg", "https://example.com./a.png?x=[1]&y={2}", "https://例子.com/狗.png",
    "oss://dashscope-instant/x/a.png",
)  # fmt: skip


@pytest.mark.parametrize("word", GOOD_LINKS)
def test_odd_but_right_links_are_taken(word: str) -> None:
    assert resolve.resolve("image", word, Path("bailian")).probe is None


@given(
    st.text(max_size=30),
    st.sampled_from(["", "http://", "https://", "file://", "~", "data:image/png;base64,", "[", "http://["]),
)
def test_any_word_is_an_input_or_a_refusal(text: str, start: str) -> None:
    """Whatever stands in a table: a refusal of its field, never another error."""
    for field in ("image", "mask", "file"):
        from bailian.inputs.lookup import input_of

        word = start + text
        if word != "-":
            try:
                input_of(field, word, Path("bailian"))
            except BailianError as error:
                assert isinstance(error, InvalidRequest)  # noqa: PT017 - most words are refused, some are not


@pytest.mark.few(4)
@pytest.mark.parametrize("error", [
    ValueError("x"), RuntimeError("x"), NotImplementedError("x"), OSError("x"), SyntaxError("x"), MemoryError(), struct.error("x"),
    OverflowError("x"), UnicodeError("x"), RecursionError("x"), KeyError("x"), EOFError(), Image.DecompressionBombError("x"),
], ids=lambda error: type(error).__name__)  # fmt: skip
def test_whatever_a_library_raises_is_about_the_field(
    image_edit: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_words: object, **_how: object) -> None:
        raise error

    Image.new("RGB", (512, 512)).save("a.png")
    monkeypatch.setattr(Image, "open", broken)
    assert "image: " in image_edit("x", "--image", "a.png", exits=2).err
    assert box.requests == []


# Options of masks


@pytest.fixture
def base() -> str:
    Image.linear_gradient("L").resize((640, 512)).convert("RGB").save("base.png")
    return "base.png"


BAD_OPTIONS = {
    "a text as a mask": (["--mask", "notes.txt"], "mask: notes.txt is text"),
    "a text to be repaired": (["--mask", "notes.txt", "--mask-fix"], "mask: notes.txt is text"),
    "a cut mask to be repaired": (["--mask", "cut.png", "--mask-fix"], "mask: cut.png is damaged"),
    "a missing mask": (["--mask", "no.png", "--mask-fix"], "mask: cannot read no.png"),
    "a folder as a mask": (["--mask", ".", "--mask-fix"], "mask: cannot read ."),
    "a mask of nobody": (["--mask", "~nosuchuser/m.png", "--mask-fix"], "mask: cannot read ~nosuchuser"),
    "a DDS copy": (["--mask-diff", "a.dds"], "mask_diff: a.dds"),
    "a text as a copy": (["--mask-diff", "notes.txt"], "mask_diff: notes.txt is text"),
    "a box of NaN": (["--mask-box", "nan,0,5,5"], "mask_box: "),
    "an ellipse of NaN": (["--mask-ellipse", "64,10%,5,nan%"], "mask_ellipse: "),
    "an ellipse without end": (["--mask-ellipse", "0,0,inf,9"], "100,000 px"),
    "a huge ellipse": (["--mask-ellipse", "0,0,1e9,1e9"], "mask_ellipse: '0,0,1e9,1e9' leads out of all bounds"),
    "a huge box": (["--mask-box", "0,0,1e308%,9"], "100,000 px"),
    "a huge polygon": (["--mask-polygon", "0,0,9,9,1e300,-1e300"], "100,000 px"),
    "growing without end": (["--mask-box", "1,1,9,9", "--mask-grow", "1000000000"], "all white"),
    "shrinking without end": (["--mask-box", "1,1,9,9", "--mask-grow", "-1000000000"], "all black"),
    "feather of NaN": (["--mask-box", "1,1,9,9", "--mask-feather", "nan"], "mask_feather: nan is not above 0"),
    "feather without end": (["--mask-box", "1,1,9,9", "--mask-feather", "inf"], "mask_feather: inf"),
    "a preview without suffix": (["--mask-box", "1,1,9,9", "--mask-preview", "look"], "mask_preview: look is no name"),
    "a preview in no folder": (["--mask-box", "1,1,9,9", "--mask-preview", "no/look.png"], "mask_preview: cannot write"),
    "a preview onto a folder": (["--mask-box", "1,1,9,9", "--mask-preview", "f.png"], "mask_preview: cannot write"),
    "a preview named .": (["--mask-box", "1,1,9,9", "--mask-preview", "."], "mask_preview: . is no name"),
    "a saved mask as JPEG": (["--mask-box", "1,1,9,9", "--mask-save", "m.jpg"], "mask_save: m.jpg is no name"),
    "a saved mask in no folder": (["--mask-box", "1,1,9,9", "--mask-save", "no/m.png"], "mask_save: cannot write"),
    "timeout of NaN": (["--mask-box", "1,1,9,9", "--timeout", "nan"], "timeout: is not a number"),
}  # fmt: skip


@pytest.mark.parametrize("words, says", BAD_OPTIONS.values(), ids=BAD_OPTIONS)
@pytest.mark.few(2)
def test_a_bad_mask_option_is_refused(wanx_edit: Run, box: Sandbox, base: str, words: list[str], says: str) -> None:
    written("notes.txt", b"some notes")
    cut("PNG")
    dds()
    Path("f.png").mkdir()
    assert says in wanx_edit("x", "--image", base, *words, exits=2).err
    assert box.requests == []


@pytest.mark.parametrize("words", [["--mask-box", "1,1,9,9"], ["--mask", "mask.png"], ["--mask-alpha"]])
@pytest.mark.parametrize(
    "make", [lambda: cut("PNG"), lambda: cut("JPEG"), dds, bomb, lambda: written("a.png", b"notes")]
)
def test_a_bad_picture_is_refused_with_mask_options_too(
    wanx_edit: Run, box: Sandbox, words: list[str], make: Made
) -> None:
    Image.new("L", (640, 512)).save("mask.png")
    assert "image: " in wanx_edit("x", "--image", make(), *words, exits=2).err
    assert box.requests == []


@pytest.mark.parametrize(
    "suffix, mode", [("jpg", "CMYK"), ("tiff", "CMYK"), ("tiff", "LAB"), ("tiff", "I;16"), ("tiff", "F")]
)
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.few(1)
def test_a_photo_of_a_printer_can_have_a_mask(
    wanx_edit: Run, box: Sandbox, suffix: str, mode: str, orientation: int
) -> None:
    """CMYK and the like cannot be PNG: turned, they are sent as RGB, as large as the mask made for them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.new("RGB", (800, 600), "teal").convert("CMYK") if mode == "CMYK" else Image.new(mode, (800, 600))
    image.save(f"a.{suffix}", exif=exif)
    words = ["--image", f"a.{suffix}", "--mask-box", "0,0,50%,50%"]
    assert wanx_edit(*words, "--mask-preview", "look.png").paths
    assert len(wanx_edit("兔子", *words).paths) == 1


def upright_size(uri: str) -> tuple[int, int]:
    """Return a sent picture's size; its EXIF turns nothing any more."""
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        assert image.getexif().get(0x0112, 1) == 1
        return image.size


@pytest.mark.slow
def test_a_turned_photo_in_a_config_or_row_is_sent_as_it_is_seen(wanx_edit: Run, box: Sandbox) -> None:
    """As with flags: the mask has the size that a viewer shows."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (800, 600), "teal").convert("CMYK").save("a.jpg", exif=exif)
    mask = masks.empty((600, 800))
    masks.add_shape(mask, "box", (10, 10, 99, 99))
    mask.save("m.png")
    asked = {"function": "description_edit_with_mask", "prompt": "兔子", "image": "a.jpg", "mask": "m.png"}
    Path("c.json").write_text(json.dumps(asked))
    assert len(wanx_edit("--config", "c.json", "--strict").paths) == 1
    Path("c.jsonl").write_text(json.dumps(asked))
    assert len(wanx_edit("--config", "c.jsonl", "--strict").paths) == 1
    assert [upright_size(task.body["input"]["base_image_url"]) for task in box.tasks] == [(600, 800)] * 2


@pytest.mark.parametrize(
    "words", [["tasks", "wait", "x"], ["tasks", "adopt", "x", "--job", "y"], ["batch", "run", "no.json"]]
)
@pytest.mark.parametrize("option", ["--timeout", "--max-duration", "--max-cost"])
def test_no_number_option_takes_nan(bailian: Run, box: Sandbox, words: list[str], option: str) -> None:
    """Every comparison with NaN is false: as a limit it would be none."""
    assert bailian(*words, option, "nan", exits=2).err
    assert box.requests == []


@pytest.mark.parametrize("timeout_s", [float("nan"), 0, -1])
def test_python_takes_no_timeout_that_is_none(box: Sandbox, timeout_s: float) -> None:
    with pytest.raises(InvalidRequest, match="timeout_s"):
        make_pictures("猫", timeout_s=timeout_s)


NUMBER = st.one_of(
    st.floats().map(repr), st.floats().map(lambda value: f"{value!r}%"), st.integers().map(str), st.text(max_size=5)
)


@given(st.lists(NUMBER, max_size=9).map(",".join), st.sampled_from(["box", "ellipse", "polygon"]))
def test_any_text_is_an_area_or_a_refusal(text: str, shape: str) -> None:
    """What is taken is drawn, whatever the numbers are."""
    mask = masks.empty((60, 40))
    try:
        values = masks.numbers(f"mask_{shape}", text, mask.size, None if shape == "polygon" else 4)
        masks.add_shape(mask, shape, values)
    except InvalidRequest as error:
        assert [problem.field for problem in error.problems] == [f"mask_{shape}"]  # noqa: PT017 - both may happen
    assert set(mask.tobytes()) <= {0, 255}


@given(st.integers())
def test_any_radius_grows_or_shrinks(radius_px: int) -> None:
    mask = masks.empty((60, 40))
    masks.add_shape(mask, "box", (20, 10, 20, 20))
    grown = masks.grown(mask, radius_px).tobytes()
    if radius_px >= 20:
        assert set(grown) == {255}
    if radius_px <= -10:
        assert set(grown) == {0}
