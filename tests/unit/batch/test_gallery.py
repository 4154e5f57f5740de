"""The gallery's page: nothing untrusted becomes markup, no file is a reason to fail, the figures are right."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from bailian.batch.output import gallery, gallery_card, gallery_page, thumbnails
from bailian.batch.output.gallery import write_gallery
from bailian.i18n import language

ANY_TEXT = st.text(st.characters(exclude_categories=()))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
NASTY = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]><svg/onload=alert(1)>",
    "&lt;b&gt; &amp; 你好",
    "行一\u2028行二\u2029行三\r\n\x00\x1b[31m",
    '"\\"\'`${1}`%%words%%',
    "\u202e反写\u2066",
    "half a pair: \ud83d",
    "__proto__",
]
NAMES = [
    "一只 猫.png",
    "100%#1?a=b&c.png",
    "它说\"你好\" 'x' <b>.png",
    "javascript:alert(1).png",
    "https:/example.com.png",
    "a\\b.png",
    "行\n二.png",
]


class Page(HTMLParser):
    """A page as a browser's parser sees it: its tags, and the JSON of its data blocks."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.blocks: dict[str, str] = {}
        self._id = ""
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        more = "more" if dict(attrs).get("class") == "more" else tag
        self._id = str(dict(attrs).get("id") or more)

    def handle_data(self, data: str) -> None:
        self.blocks[self._id] = self.blocks.get(self._id, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._id = ""

    @property
    def records(self) -> list[dict[str, Any]]:
        blocks = (json.loads(self.blocks[name]) for name in ("records", "more") if name in self.blocks)
        return [one for block in blocks for one in block]

    @property
    def totals(self) -> dict[str, Any]:
        value = json.loads(self.blocks["sums"])
        assert isinstance(value, dict)
        return value

    @property
    def policy(self) -> str:
        return next(str(a["content"]) for a in self.attributes if a.get("http-equiv") == "Content-Security-Policy")


def record(**fields: Any) -> dict[str, Any]:
    empty = {"label": None, "text": None, "seed": None, "cost_cny": None, "took_s": None, "error": None}
    made = {"kind": "image", "where": "image_tasks[0]", "state": "done", "files": [], "prompt": "一只猫", "request": {}}
    return {**empty, **made, "model": "wan2.2-t2i-flash", "created_at_s": 1_795_300_000.0, **fields}


def page(folder: Path, *records: dict[str, Any], title: str = "批次") -> Page:
    return Page(write_gallery(folder, records, title=title))


def picture(path: Path, size: tuple[int, int] = (60, 40), mode: str = "RGB", **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise(size, 60).convert(mode).save(path, **how)
    return path


def shown(folder: Path, name: str) -> dict[str, Any]:
    """Return what the page knows of one file."""
    (only,) = page(folder, record(files=[name])).records[0]["files"]
    assert isinstance(only, dict)
    return only


# --- what is untrusted


@pytest.mark.parametrize("text", NASTY)
def test_untrusted_text_stays_text(tmp_path: Path, text: str) -> None:
    """Wherever it stands, the page has the tags of an empty page, and the text comes back as it was."""
    plain = page(tmp_path / "a")
    full = page(
        tmp_path / "b",
        record(prompt=text, label=text, model=text, text=text, where=text, kind=text, request={text: [text]}),
        record(state="failed", error={"code": text, "message": text, "advice": text, "request_id": text}),
    )
    assert full.tags == plain.tags
    first, second = full.records
    assert [first[name] for name in ("prompt", "label", "model", "text", "where", "kind")] == [text] * 6
    assert first["request"] == {text: [text]}
    assert second["error"]["message"] == text
    assert full.totals["failed"] == {text: 1}


@pytest.mark.parametrize("text", [text for text in NASTY if "\ud83d" not in text and "\0" not in text])
def test_the_title_is_text_too(tmp_path: Path, text: str) -> None:
    """A batch file's name is no markup, and no placeholder of ours."""
    full = page(tmp_path, title=text)
    assert full.tags == page(tmp_path / "b").tags
    assert full.blocks["h1"].splitlines() == text.splitlines()


@given(JSON_VALUES)
def test_embedded_json_holds_nothing_a_parser_would_see(value: Any) -> None:
    """It reads back as it was, and no character of it could end its element."""
    text = gallery_page.embedded(value)
    assert json.loads(text) == value
    assert not re.search("[<>&\u2028\u2029]", text)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_the_file_whatever_its_name(tmp_path: Path, name: str) -> None:
    """Relative and percent-encoded: no name becomes a scheme, a query or a fragment."""
    path = tmp_path / "outputs" / name
    picture(path, format="PNG")
    only = shown(tmp_path, str(path.relative_to(tmp_path)))
    parts = urlsplit(only["href"])
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert only["href"].isascii()
    assert urljoin(f"{tmp_path.as_uri()}/gallery.html", only["href"]) == path.as_uri()
    assert (only["name"], only["width_px"], only["height_px"]) == (path.name, 60, 40)


def test_a_name_at_the_top_is_no_scheme_either(tmp_path: Path) -> None:
    picture(tmp_path / "javascript:alert(1).png")
    assert shown(tmp_path, "javascript:alert(1).png")["href"] == "javascript%3Aalert%281%29.png"


def test_files_elsewhere_are_reached_from_the_page(tmp_path: Path) -> None:
    """An absolute path becomes a relative link, out of the folder if need be."""
    picture(tmp_path / "图" / "a.png")
    assert unquote(shown(tmp_path / "批次", str(tmp_path / "图" / "a.png"))["href"]) == "../图/a.png"
    assert shown(tmp_path, str(tmp_path / "图" / "a.png"))["href"] == "%E5%9B%BE/a.png"


def test_the_policy_names_this_script_and_this_style_and_no_host(tmp_path: Path) -> None:
    """The hashes are those of the page as written; the page asks nobody for anything."""
    full = page(tmp_path, record())
    for tag in ("script", "style"):
        (block,) = re.findall(f"<{tag}>(.*?)</{tag}>", full.source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in full.policy
    assert full.policy.startswith("default-src 'none';")
    assert "unsafe" not in full.policy
    assert "://" not in full.source
    named = {str(value) for given in full.attributes for name, value in given.items() if name in ("src", "href")}
    assert named == {"data:,"}


def test_the_script_never_makes_markup_of_text(tmp_path: Path) -> None:
    """DOM calls only; nothing that parses."""
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|Function\(|srcdoc|\bon\w+="
    assert not re.search(forbidden, page(tmp_path).source)


# --- files


@pytest.mark.parametrize(
    "content, note",
    [
        (None, "missing"),
        (b"", "broken"),
        (b"<html>not found</html>", "broken"),
        ("cut", "broken"),
        ("folder", "missing"),
    ],
)
def test_a_bad_picture_is_a_note(tmp_path: Path, content: bytes | str | None, note: str) -> None:
    """The card says so, the other pictures of the job are shown, no thumbnail is left."""
    bad = tmp_path / "坏.png"
    good = picture(tmp_path / "好.png")
    if content == "cut":
        bad.write_bytes(good.read_bytes()[:-200])
    elif content == "folder":
        bad.mkdir()
    elif isinstance(content, bytes):
        bad.write_bytes(content)
    first, second = page(tmp_path, record(files=["坏.png", "好.png"])).records[0]["files"]
    assert (first["note"], "thumb" in first) == (note, False)
    assert ("note" in second, "thumb" in second) == (False, True)
    assert [path.name for path in (tmp_path / thumbnails.THUMBS).iterdir()] == [Path(second["thumb"]).name]


@pytest.mark.parametrize("name", ["a\0b.png", "\ud800.png", "x" * 300 + ".png"])
def test_a_name_no_disk_can_have_is_missing(tmp_path: Path, name: str) -> None:
    assert shown(tmp_path, name)["note"] == "missing"


@pytest.mark.parametrize(
    "name, shape",
    [("a.PNG", "picture"), ("a.mp4", "film"), ("a.wav", "sound"), ("a.mp3", "sound"), ("a.srt", "file"), ("a", "file")],
)
def test_a_file_is_shown_by_what_it_is(tmp_path: Path, name: str, shape: str) -> None:
    (tmp_path / name).write_bytes(b"12345")
    only = shown(tmp_path, name)
    assert (only["shape"], only["bytes"]) == (shape, 5)


@pytest.mark.slow
def test_thumbnails_are_small_and_in_proportion(tmp_path: Path) -> None:
    """At most 400 px; the card still knows the picture's own size."""
    picture(tmp_path / "宽.png", (1280, 720))
    only = shown(tmp_path, "宽.png")
    with Image.open(tmp_path / only["thumb"]) as thumb:
        assert (thumb.format, thumb.size) == ("JPEG", (400, 225))
    assert (only["width_px"], only["height_px"]) == (1280, 720)


def test_thumbnails_stand_upright(tmp_path: Path) -> None:
    """A photo that says "turn me" is turned, and its size is told as it is seen."""
    exif = Image.Exif()
    exif[thumbnails.EXIF_ORIENTATION] = 6
    upright = Image.new("RGB", (90, 160), "blue")
    upright.paste("red", (0, 0, 90, 40))
    upright.rotate(90, expand=True).save(tmp_path / "手机.jpg", quality=95, exif=exif)
    with Image.open(tmp_path / "手机.jpg") as photo:
        assert ImageOps.exif_transpose(photo).getpixel((45, 10))[0] > 200, "the test's own picture"
    only = shown(tmp_path, "手机.jpg")
    assert (only["width_px"], only["height_px"]) == (90, 160)
    with Image.open(tmp_path / only["thumb"]) as thumb:
        assert thumb.size == (90, 160)
        red, _green, blue = thumb.getpixel((45, 10))
        assert red > 200 > blue


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK"])
def test_every_kind_of_pixel_has_a_thumbnail(tmp_path: Path, mode: str) -> None:
    picture(tmp_path / f"{mode}.tiff", mode=mode)
    assert "thumb" in shown(tmp_path, f"{mode}.tiff")


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    """JPEG has no transparency; the colour below it is nobody's business."""
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(tmp_path / "空.png")
    with Image.open(tmp_path / shown(tmp_path, "空.png")["thumb"]) as thumb:
        assert min(thumb.getpixel((25, 25))) > 250


def test_a_thumbnail_is_made_once(tmp_path: Path) -> None:
    """An unchanged picture is not decoded again; a changed one is."""
    path = picture(tmp_path / "a.png", (1200, 800))
    before = shown(tmp_path, "a.png")
    made_at_ns = (tmp_path / before["thumb"]).stat().st_mtime_ns
    assert shown(tmp_path, "a.png") == before
    assert (tmp_path / before["thumb"]).stat().st_mtime_ns == made_at_ns
    picture(path, (300, 900))
    assert shown(tmp_path, "a.png")["height_px"] == 900
    with Image.open(tmp_path / before["thumb"]) as thumb:
        assert thumb.height > thumb.width


def test_a_damaged_thumbnail_is_made_again(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    only = shown(tmp_path, "a.png")
    (tmp_path / only["thumb"]).write_bytes(b"\xff\xd8 no")
    assert shown(tmp_path, "a.png") == only
    with Image.open(tmp_path / only["thumb"]) as thumb:
        thumb.load()


def test_a_picture_beyond_reason_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a link and no preview; one that Pillow only warns about has both."""
    picture(tmp_path / "大.png", (120, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    assert "thumb" in shown(tmp_path, "大.png"), "a warning is no error"
    picture(tmp_path / "大.png", (121, 100))
    monkeypatch.setattr(thumbnails, "LARGEST_PX", 12_000)
    only = shown(tmp_path, "大.png")
    assert (only["note"], only["href"]) == ("large", "%E5%A4%A7.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    assert shown(tmp_path, "大.png")["note"] == "large"


@pytest.mark.slow
def test_jobs_may_name_the_same_picture(tmp_path: Path) -> None:
    """Threads that make the same thumbnail at once do not disturb each other."""
    picture(tmp_path / "a.png", (900, 900))
    full = page(tmp_path, *[record(files=["a.png"] * 4) for _ in range(8)])
    assert len({file["thumb"] for one in full.records for file in one["files"]}) == 1
    assert [path.suffix for path in (tmp_path / thumbnails.THUMBS).iterdir()] == [".jpg"]


# --- records and figures


def test_the_totals_are_those_of_all_records(tmp_path: Path) -> None:
    """States in order of worry, failures by category, money and time in sum, from the first start to the last end."""
    refused = {"code": "DataInspectionFailed", "message": "不合规"}
    slow_down = {"code": "RateLimitExceeded", "message": "慢一点"}
    full = page(
        tmp_path,
        record(state="waiting", created_at_s=1_000.0),
        record(cost_cny=0.14, took_s=6.5, created_at_s=1_010.0),
        record(cost_cny=0.28, took_s=3.0, created_at_s=1_005.0, error={"code": "TaskFailed", "message": "1/2"}),
        record(state="failed", error=refused),
        record(state="failed", error=slow_down, cost_cny=0.0),
        record(state="failed", error=slow_down),
        record(state="held", error={"code": "MaybeSent", "message": "?"}, created_at_s=1_002.0),
    )
    assert full.totals == {
        "jobs": 7,
        "states": {"done": 2, "failed": 3, "held": 1, "waiting": 1},
        "failed": {"RateLimitExceeded": 2, "DataInspectionFailed": 1},
        "kinds": {"image": 7},
        "models": {"wan2.2-t2i-flash": 7},
        "cost_cny": 0.42,
        "sandbox": 0,
        "took_s": 9.5,
        "first_at_s": 1_000.0,
        "last_at_s": 1_795_300_000.0,
    }
    assert list(full.totals["states"]) == ["done", "failed", "held", "waiting"]
    assert list(full.totals["failed"]) == ["RateLimitExceeded", "DataInspectionFailed"]


def test_an_empty_run_is_a_page_too(tmp_path: Path) -> None:
    full = page(tmp_path)
    assert full.records == []
    assert (full.totals["jobs"], full.totals["cost_cny"], full.totals["first_at_s"]) == (0, None, None)


def test_nothing_is_embedded_for_nothing(tmp_path: Path) -> None:
    """Empty fields are left out; zero is not empty; the request says only what the card does not."""
    request = {"prompt": "一只猫", "model": "wan2.2-t2i-flash", "size": "1024*1024", "n": 1, "negative_prompt": None}
    (only,) = page(tmp_path, record(seed=0, cost_cny=0.0, request=request)).records
    assert (only["seed"], only["cost_cny"]) == (0, 0.0)
    assert only["request"] == {"size": "1024*1024", "n": 1}
    assert {"label", "text", "files", "error", "took_s"}.isdisjoint(only)


def test_what_json_lacks_does_not_break_the_page(tmp_path: Path) -> None:
    """Infinite numbers, paths, tuples; a picture in a request is cut, a local file is its name; prompt and answer are whole."""
    request = {
        "video": "file:///home/me/a%20b.mp4",
        "references": ["file:///C:/secret/c.jpg", "https://h/d.jpg"],
        "scale": math.nan,
        "mask": Path("遮罩.png"),
        "size": (1, 2),
        "image": "data:image/png;base64," + "A" * 9_999,
    }
    long = "字" * 9_999
    (only,) = page(tmp_path, record(request=request, took_s=math.inf, text=long, prompt=long)).records
    assert only["request"]["mask"] == "遮罩.png"
    assert (only["request"]["video"], only["request"]["references"]) == ("a b.mp4", ["c.jpg", "https://h/d.jpg"])
    assert only["request"]["size"] == [1, 2]
    assert only["request"]["scale"] is None
    assert len(only["request"]["image"]) == gallery_card.REQUEST_CHARS + 1
    assert (only["text"], only["prompt"]) == (long, long)
    assert "took_s" not in only


def test_records_keep_their_order_while_pictures_are_made(tmp_path: Path) -> None:
    """A slow picture does not change places with quick texts."""
    picture(tmp_path / "大.png", (500, 500))
    files = [["大.png"] if index % 7 == 0 else [] for index in range(3 * gallery.AHEAD)]
    full = page(tmp_path, *(record(where=f"t[{index}]", files=names) for index, names in enumerate(files)))
    assert [one["where"] for one in full.records] == [f"t[{index}]" for index in range(len(files))]
    assert [len(one.get("files", [])) for one in full.records] == [len(names) for names in files]


class Alive(dict[str, Any]):
    """A record that counts how many of its kind are in memory."""

    now = 0

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        Alive.now += 1

    def __del__(self) -> None:
        Alive.now -= 1


def test_records_are_not_collected(tmp_path: Path) -> None:
    """Ten thousand rows pass through; only those whose pictures are being made are held."""
    most = 0

    def rows() -> Iterator[Alive]:
        nonlocal most
        for index in range(4 * gallery.AHEAD):
            most = max(most, Alive.now)
            yield Alive(record(where=f"t[{index}]"))

    assert len(Page(write_gallery(tmp_path, rows(), title="大批次")).records) == 4 * gallery.AHEAD
    assert 0 < most < gallery.AHEAD + 8


def test_what_a_page_leaves_out_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "CARDS_MAX", 3)
    made = page(tmp_path, *(record(where=f"t[{index}]", cost_cny=0.5) for index in range(5)))
    assert [one["where"] for one in made.records] == ["t[0]", "t[1]", "t[2]"]
    assert (made.totals["jobs"], made.totals["cost_cny"]) == (5, 2.5)


def test_a_page_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    """Written aside and renamed: whoever has it open never sees half a page."""
    before = page(tmp_path, record(prompt="旧的")).source

    def rows() -> Iterator[dict[str, Any]]:
        yield record(prompt="新的")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_gallery(tmp_path, rows(), title="批次")
    assert (tmp_path / "gallery.html").read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.html"]


@pytest.mark.parametrize("tongue, lang, word", [("zh", "zh-CN", "失败"), ("en", "en", "failed")])
def test_the_page_speaks_the_language_of_its_maker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tongue: str, lang: str, word: str
) -> None:
    monkeypatch.setenv("BAILIAN_LANG", tongue)
    language.cache_clear()
    full = page(tmp_path)
    assert full.attributes[full.tags.index("html")]["lang"] == lang
    assert json.loads(full.blocks["words"])["states"]["failed"] == word


def test_every_word_the_script_asks_for_is_there(tmp_path: Path) -> None:
    """A forgotten word would stand in the page as "undefined"; one that nobody asks for is dead."""
    full = page(tmp_path)
    words = json.loads(full.blocks["words"])
    asked = set(re.findall(r"\bwords\.(\w+)", full.source)) | set(re.findall(r'named\("(\w+)"', full.source))
    assert asked == set(words)
    assert set(re.findall(r"\bunits\.(\w+)", full.source)) == set(words["units"])
    orders = re.search(r"const orders = \{(.*?)\n\};", full.source, re.DOTALL)
    assert orders is not None
    assert {"", *re.findall(r"^  (\w+):", orders[1], re.MULTILINE)} == set(words["sorts"])
