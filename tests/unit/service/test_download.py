"""Result files: whole or not at all, resumed after a cut, and nothing the storage host says is believed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.errors import SaveError, TransportError
from bailian.service import download
from bailian.service.download import TRIES_WITHOUT_PROGRESS, Downloader, LinkExpired, NotTaken
from tests.support.local_web import Answer, LocalWeb, Seen, hang_up, http

DATA = bytes(range(256)) * 800
CUT = 100_000


@pytest.fixture
def downloader() -> Iterator[Downloader]:
    with closing(Downloader()) as made:
        yield made


def offset_of(seen: Seen) -> int:
    """Return the first byte a request asks for."""
    return int(seen.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))


def rest(seen: Seen) -> bytes:
    """Answer as the storage does: the whole file, or what follows the range's start."""
    offset = offset_of(seen)
    if not offset:
        return answered(http(body=DATA), seen)
    return answered(partial(offset, DATA[offset:]), seen)


def partial(offset: int, body: bytes, total: object = len(DATA), length: int | None = None) -> Answer:
    end = offset + (len(body) if length is None else length) - 1
    return http("206 Partial Content", body, length, Content_Range=f"bytes {offset}-{end}/{total}")


def answered(answer: Answer, seen: Seen) -> bytes:
    return answer(seen) or b""


cut = http(body=DATA[:CUT], length=len(DATA))


def test_a_whole_file_arrives_at_once(downloader: Downloader, tmp_path: Path) -> None:
    """One request, every byte, the folder made, and the signed link's query kept."""
    part = tmp_path / "new" / "a.part"
    with LocalWeb(rest) as web:
        assert downloader.fetch(web.url + "/1.png?Expires=1&Signature=a%2Fb%3D", part) == len(DATA)
    assert part.read_bytes() == DATA
    assert [seen.line for seen in web.seen] == ["GET /1.png?Expires=1&Signature=a%2Fb%3D HTTP/1.1"]


def test_no_key_goes_to_the_storage(downloader: Downloader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ours nor one from a .netrc; the bytes are asked for as they are."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-0123456789abcdef")
    with LocalWeb(rest) as web:
        downloader.fetch(web.url, tmp_path / "a.part")
    assert "authorization" not in web.seen[0].headers
    assert web.seen[0].headers["accept-encoding"] == "identity"


def test_a_cut_download_is_continued(downloader: Downloader, tmp_path: Path) -> None:
    """After a cut the next request asks for the rest, not for everything again."""
    part = tmp_path / "a.part"
    with LocalWeb(cut, rest) as web:
        assert downloader.fetch(web.url, part) == len(DATA)
    assert part.read_bytes() == DATA
    assert [offset_of(seen) > 0 for seen in web.seen] == [False, True]
    assert offset_of(web.seen[1]) <= CUT


def test_what_an_earlier_process_left_is_continued(downloader: Downloader, tmp_path: Path) -> None:
    """A killed process's part is used."""
    part = tmp_path / "a.part"
    part.write_bytes(DATA[:CUT])
    with LocalWeb(rest) as web:
        assert downloader.fetch(web.url, part) == len(DATA)
    assert part.read_bytes() == DATA
    assert [offset_of(seen) for seen in web.seen] == [CUT]


@pytest.mark.parametrize("total", [len(DATA), "*"])
def test_cut_again_and_again(downloader: Downloader, tmp_path: Path, total: object) -> None:
    """As long as there is progress the download goes on; a total of `*` is counted from the length."""

    def on_chunk(seen: Seen) -> bytes:
        offset = offset_of(seen)
        answer = partial(offset, DATA[offset : offset + 40_000], total, len(DATA) - offset)
        return answered(answer if offset else http(body=DATA[:40_000], length=len(DATA)), seen)

    with LocalWeb(on_chunk) as web:
        assert downloader.fetch(web.url, tmp_path / "a.part") == len(DATA)
    assert (tmp_path / "a.part").read_bytes() == DATA
    assert len(web.seen) > TRIES_WITHOUT_PROGRESS


def test_a_server_that_ignores_the_range_starts_over(downloader: Downloader, tmp_path: Path) -> None:
    """200 after a Range holds the whole file: it replaces the part, it is not put behind it."""
    part = tmp_path / "a.part"
    part.write_bytes(b"old" * 1000)
    with LocalWeb(http(body=DATA)) as web:
        assert downloader.fetch(web.url, part) == len(DATA)
    assert part.read_bytes() == DATA


@pytest.mark.parametrize(
    "wrong",
    [
        partial(CUT - 1, DATA[CUT - 1 :]),
        partial(0, DATA),
        http("206 Partial Content", DATA[CUT:]),
        http("206 Partial Content", DATA[CUT:], Content_Range="nonsense"),
    ],
)
def test_a_continuation_at_the_wrong_place_is_thrown_away(
    downloader: Downloader, tmp_path: Path, wrong: Answer
) -> None:
    """Bytes that belong elsewhere never get into the file; it is fetched from the start."""
    part = tmp_path / "a.part"
    part.write_bytes(DATA[:CUT])
    with LocalWeb(wrong, rest) as web:
        assert downloader.fetch(web.url, part) == len(DATA)
    assert part.read_bytes() == DATA
    assert [offset_of(seen) for seen in web.seen] == [CUT, 0]


def test_a_range_that_cannot_be_had_starts_over(downloader: Downloader, tmp_path: Path) -> None:
    """416: the part is as long as the file, or of another file; either way it is fetched again."""
    part = tmp_path / "a.part"
    part.write_bytes(DATA)
    with LocalWeb(http("416 Range Not Satisfiable", Content_Range=f"bytes */{len(DATA)}"), rest) as web:
        assert downloader.fetch(web.url, part) == len(DATA)
    assert part.read_bytes() == DATA
    assert [offset_of(seen) for seen in web.seen] == [len(DATA), 0]


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"])
def test_a_refused_link_is_told_at_once(downloader: Downloader, tmp_path: Path, status: str) -> None:
    """An expired link does not get better by asking again, and its error page is no file."""
    part = tmp_path / "a.part"
    with LocalWeb(http(status, b"<Code>AccessDenied</Code>")) as web, pytest.raises(LinkExpired) as raised:
        downloader.fetch(web.url, part)
    assert raised.value.http_status == int(status[:3])
    assert (len(web.seen), part.exists()) == (1, False)


@pytest.mark.parametrize("answer", [http(body=b"", length=10), http("500 Oops", b"<html>"), http("204 No"), hang_up])
def test_a_file_that_does_not_come_is_an_error(downloader: Downloader, tmp_path: Path, answer: Answer) -> None:
    """After a few tries without a new byte the download gives up."""
    with LocalWeb(answer) as web, pytest.raises(TransportError):
        downloader.fetch(web.url, tmp_path / "a.part")
    assert len(web.seen) == TRIES_WITHOUT_PROGRESS


@pytest.mark.parametrize("sent", [1, 1000, CUT, len(DATA) - 1])
def test_a_short_body_is_never_accepted(downloader: Downloader, tmp_path: Path, sent: int) -> None:
    """Fewer bytes than announced are no file, however often they come."""

    def short(seen: Seen) -> bytes:
        offset = offset_of(seen)
        if not offset:
            return answered(http(body=DATA[:sent], length=len(DATA)), seen)
        return answered(partial(offset, b"", length=len(DATA) - offset), seen)

    with LocalWeb(short) as web, pytest.raises(TransportError):
        downloader.fetch(web.url, tmp_path / "a.part")


def test_a_short_part_of_a_longer_file_is_never_accepted(downloader: Downloader, tmp_path: Path) -> None:
    """A 206 that ends early, whole as it is, does not make the file whole."""
    part = tmp_path / "a.part"
    part.write_bytes(DATA[:CUT])
    with LocalWeb(partial(CUT, DATA[CUT : CUT + 10]), partial(CUT + 10, b"")) as web, pytest.raises(TransportError):
        downloader.fetch(web.url, part)


PACKED = gzip.compress(DATA)


@pytest.mark.parametrize("name, packed", [("gzip", PACKED), ("x-gzip", PACKED), ("deflate", zlib.compress(DATA))])
@pytest.mark.parametrize("length", [None, len(DATA)], ids=["its own length", "the plain file's length"])
def test_a_file_that_came_packed_is_unpacked(
    downloader: Downloader, tmp_path: Path, name: str, packed: bytes, length: int | None
) -> None:
    """A cache or a storage packs though "identity" was asked for; some leave the plain file's length standing."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Encoding: " + name.encode(), b"Connection: close"]
    if length is None:
        lines += [f"Content-Length: {len(packed)}".encode()]
        body = packed
    else:
        lines += [f"Content-Length: {length}".encode(), b"Transfer-Encoding: chunked"]
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    with LocalWeb(lambda _seen: b"\r\n".join(lines) + b"\r\n\r\n" + body) as web:
        assert downloader.fetch(web.url, tmp_path / "a.part") == len(DATA)
    assert (tmp_path / "a.part").read_bytes() == DATA
    assert len(web.seen) == 1


def test_a_packed_file_is_never_continued(downloader: Downloader, tmp_path: Path) -> None:
    """A place in the unpacked file is no place in the packed one: it is fetched from its begin."""
    part = tmp_path / "a.part"
    cut_packed = http(body=PACKED[:-100], length=len(PACKED), Content_Encoding="gzip")
    with LocalWeb(cut_packed, http(body=PACKED, Content_Encoding="gzip")) as web:
        assert downloader.fetch(web.url, part) == len(DATA)
    assert part.read_bytes() == DATA
    assert [offset_of(seen) for seen in web.seen] == [0, 0]
    part.write_bytes(DATA[:CUT])
    packed_rest = http(
        "206 Partial Content",
        gzip.compress(DATA[CUT:]),
        Content_Encoding="gzip",
        Content_Range=f"bytes {CUT}-{len(DATA) - 1}/{len(DATA)}",
    )
    with LocalWeb(packed_rest, rest) as web:
        assert downloader.fetch(web.url, part) == len(DATA)
    assert part.read_bytes() == DATA
    assert [offset_of(seen) for seen in web.seen] == [CUT, 0]


@pytest.mark.parametrize(
    "answer",
    [
        lambda _seen: b"HTTP/1.1 200 OK\r\n\r\n" + bytes(70_000),
        http(body=bytes(70_000), Content_Encoding="identity"),
        http(body=gzip.compress(bytes(70_000)), Content_Encoding="gzip"),
        http(body=b"x", length=10**15),
    ],
    ids=["without an end", "with a length", "a bomb", "announced"],
)
def test_a_file_without_an_end_is_stopped(
    downloader: Downloader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    """Once, and nothing of it is left on the disk: the next try would fill it again."""
    monkeypatch.setattr(download, "MOST_FILE_BYTES", 60_000)
    part = tmp_path / "a.part"
    with LocalWeb(answer) as web, pytest.raises(NotTaken, match="more than any result") as refused:
        downloader.fetch(web.url + "/1.png?Expires=1764300000", part)
    assert (len(web.seen), part.exists(), refused.value.expires_s) == (1, False, 1764300000.0)


def test_a_part_counts_for_the_limit(downloader: Downloader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MOST_FILE_BYTES", CUT + 10)
    part = tmp_path / "a.part"
    part.write_bytes(DATA[:CUT])
    with LocalWeb(partial(CUT, DATA[CUT:], "*")) as web, pytest.raises(NotTaken):
        downloader.fetch(web.url, part)
    assert (len(web.seen), part.exists()) == (1, False)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_followed(downloader: Downloader, tmp_path: Path, status: str) -> None:
    """The range goes along, a relative place is one of the same host."""
    part = tmp_path / "a.part"
    part.write_bytes(DATA[:CUT])
    with LocalWeb(http(status, Location="/é.png?b=1"), rest) as web:
        assert downloader.fetch(web.url + "/a.png", part) == len(DATA)
    assert [offset_of(seen) for seen in web.seen] == [CUT, CUT]
    assert web.seen[1].line.endswith(".png?b=1 HTTP/1.1")


def test_a_circle_is_left(downloader: Downloader, tmp_path: Path) -> None:
    with LocalWeb(http("302 Found", Location="/")) as web, pytest.raises(NotTaken, match="circle"):
        downloader.fetch(web.url, tmp_path / "a.part")
    assert len(web.seen) < 20


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:1/", "http://2130706433/", "http://169.254.169.254/", "http://[::1]/"]
)
@pytest.mark.parametrize("hops", [0, 1, 2])
def test_a_public_host_leads_nowhere_into_this_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, hops: int
) -> None:
    """Neither by its link nor by a redirect; the one that allows it is asked, the one behind is not."""
    on_the_way = [http("302 Found", Location=f"http://public.example/{hop}") for hop in range(hops - 1)]
    with LocalWeb(*on_the_way, http("302 Found", Location=link)) as proxy, closing(Downloader(only_public=True)) as own:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(NotTaken, match="private network"):
            own.fetch("http://public.example/a.png" if hops else link, tmp_path / "a.part")
    assert len(proxy.seen) == hops


def test_a_public_host_may_have_plain_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalWeb(rest) as proxy, closing(Downloader(only_public=True)) as own:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert own.fetch("http://public.example/a.wav", tmp_path / "a.part") == len(DATA)
    assert "authorization" not in proxy.seen[0].headers


def test_a_body_that_unpacks_is_not_believed(downloader: Downloader, tmp_path: Path) -> None:
    """Packed bytes that nobody asked for are no file."""
    with LocalWeb(http(body=b"not gzip", Content_Encoding="gzip")) as web, pytest.raises(TransportError):
        downloader.fetch(web.url, tmp_path / "a.part")


@pytest.mark.parametrize(
    "link", ["http://[", "http://[::1", "http://a..b/1.png", "http://", "ftp://h/1.png", "nonsense"]
)
def test_a_link_that_is_none_is_our_error(downloader: Downloader, tmp_path: Path, link: str) -> None:
    """Links come from a server: nonsense is a failed download, not a crash."""
    with pytest.raises(TransportError):
        downloader.fetch(link, tmp_path / "a.part")


@pytest.mark.parametrize("headers", [{"Content_Length": "²"}, {"Content_Range": "bytes 0-9/²"}])
def test_headers_of_nonsense_are_survived(downloader: Downloader, tmp_path: Path, headers: dict[str, str]) -> None:
    """A length that is no number is no length."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + lines.encode("latin-1") + b"\r\n" + DATA
    with LocalWeb(lambda _: answer) as web:
        try:
            downloader.fetch(web.url, tmp_path / "a.part")
        except TransportError:
            return
    assert (tmp_path / "a.part").read_bytes() == DATA


def test_a_file_that_cannot_be_written_is_no_fault_of_the_network(downloader: Downloader, tmp_path: Path) -> None:
    """A full disk or a missing right is told as such; the result is still at the service."""
    (tmp_path / "file").write_bytes(b"")
    with LocalWeb(rest) as web, pytest.raises(SaveError, match="cannot write") as raised:
        downloader.fetch(web.url, tmp_path / "file" / "a.part")
    assert "wait_all()" in raised.value.advice
    assert len(web.seen) == 1
