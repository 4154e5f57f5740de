"""Pictures that go in: what they are is judged by their bytes, wherever they come from."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from bailian.errors import InvalidRequest
from bailian.inputs import resolve
from bailian.store.paths import local_path, path_of


def picture(path: Path, size: tuple[int, int] = (40, 30), kind: str = "PNG", **how: object) -> Path:
    Image.effect_noise(size, 50).convert("RGB").save(path, kind, **how)
    return path


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_every_format_of_the_service_is_taken_whatever_its_name(tmp_path: Path, kind: str) -> None:
    found = resolve.resolve("image", str(picture(tmp_path / "图片.dat", kind=kind)), tmp_path)
    assert found.probe is not None
    assert (found.probe.format, found.probe.width_px, found.probe.height_px) == (kind, 40, 30)


@pytest.mark.parametrize("form", ["{0}", "file://{0}", "file://图 片.png", "./图 片.png", "file://./图 片.png"])
def test_every_way_to_name_a_file_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    path = picture(tmp_path / "图 片.png")
    monkeypatch.chdir(tmp_path)
    found = resolve.resolve("image", form.format(path), tmp_path)
    assert path_of(found.url) == path


@pytest.mark.parametrize(
    "url, path",
    [
        ("file://C:/a.png", "C:/a.png"),
        ("file:///C:/a%20b.png", "C:/a b.png"),
        ("file:///home/a+b.png", "/home/a+b.png"),
    ],
)
def test_file_urls_of_every_system(url: str, path: str) -> None:
    """A plus stays a plus, a drive letter stays a drive."""
    assert local_path(url) == Path(path)


def test_data_urls_are_kept_as_files(tmp_path: Path) -> None:
    data = picture(tmp_path / "a.png").read_bytes()
    found = resolve.resolve("image", f"data:image/jpeg;base64,{base64.b64encode(data).decode()}", tmp_path / "home")
    assert path_of(found.url).read_bytes() == data
    assert found.url.endswith(".png"), "named by its bytes, not by the words before them"


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "empty"),
        (b"<html>not found</html>", "is an HTML page"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "taken: JPG"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=says):
        resolve.resolve("image", str(path), tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_picture_is_refused(tmp_path: Path, kind: str) -> None:
    path = picture(tmp_path / "a", (200, 200), kind)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InvalidRequest, match="damaged"):
        resolve.resolve("image", str(path), tmp_path)


def test_a_decompression_bomb_is_not_decoded(tmp_path: Path) -> None:
    """Its header alone tells that no model takes it."""
    buffer = io.BytesIO()
    Image.new("1", (12_500, 12_500)).save(buffer, "PNG")
    (tmp_path / "bomb.png").write_bytes(buffer.getvalue())
    found = resolve.resolve("image", str(tmp_path / "bomb.png"), tmp_path)
    assert found.probe is not None
    assert found.probe.width_px == 12_500


def test_the_exif_rotation_counts_for_the_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = resolve.resolve("image", str(picture(tmp_path / "a.jpg", (40, 30), "JPEG", exif=exif)), tmp_path)
    assert found.probe is not None
    assert (found.probe.width_px, found.probe.height_px) == (30, 40)


@pytest.mark.parametrize(
    "text, sent",
    [
        ("https://example.com/a.png?x=1&y=%20", "https://example.com/a.png?x=1&y=%20"),
        ("https://example.com/狗 1.jpg", "https://example.com/%E7%8B%97%201.jpg"),
        ("https://例子.com/a.png", "https://xn--fsqu00a.com/a.png"),
    ],
)
def test_urls_are_sent_in_ascii(tmp_path: Path, text: str, sent: str) -> None:
    """The service refuses Chinese characters and spaces; what is encoded already stays."""
    found = resolve.resolve("image", text, tmp_path)
    assert found.url == sent
    assert (found.notice is not None) == (text != sent)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot read .*没有\.png"):
        resolve.resolve("image", str(tmp_path / "没有.png"), tmp_path)
