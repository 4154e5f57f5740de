"""Readers of the wire: replies, headers, streams, sockets, lists, grants and batches. No network: bytes in."""

from __future__ import annotations

import copy
import gzip
import ipaddress
import math
import re
import socket
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from bailian.batch.service_batches import line_format
from bailian.batch.service_batches.collect import fetch
from bailian.errors import BailianError
from bailian.modalities.audio import speech_answers
from bailian.modalities.text.text_answers import Assembly, next_messages
from bailian.service import responses as wire_answers
from bailian.service.batch_api import BatchApi, _id_of
from bailian.service.client import Service
from bailian.service.json_reader import json_object, read_json
from bailian.service.server_clock import ServerClock
from bailian.service.speech.frames import TaskTranscript
from bailian.service.sse import frames
from bailian.service.transport import links
from bailian.service.transport.http import Reply
from bailian.service.transport.keepalive import _body_of
from bailian.service.transport.packed import MOST_ANSWER_BYTES, unpacked
from bailian.service.transport.patience import PatientResponse
from bailian.service.upload import upload
from bailian.store.service_batches import ServiceBatch
from tests.fuzz import answers
from tests.fuzz.mutations import odd_bytes
from tests.fuzz.readers import Reader, is_writable, job_of, read_answer

STATUSES = (200, 200, 200, 201, 302, 400, 401, 404, 429, 500, 503)


def read_as_json(data: bytes) -> None:
    try:
        value = read_json(data)
    except ValueError:
        return
    is_writable(value)
    copy.deepcopy(value)


def read_reply(data: bytes) -> None:
    status = STATUSES[len(data) % len(STATUSES)]
    reply = Reply(status, {}, data.decode("utf-8", "replace"), json_object(data))
    assert isinstance(reply.request_id, str | None)
    try:
        answer = wire_answers.read(reply, task_id="t")
    except Exception as error:
        is_writable(getattr(error, "to_json", dict)())
        raise
    assert len(wire_answers.task_id_of(answer)) <= wire_answers.MOST_ID_CHARS


def read_header(data: bytes) -> None:
    text = data.decode("latin-1")
    reply = Reply(200, {"date": text, "retry-after": text}, "")
    assert reply.retry_after_s is None or 0 <= reply.retry_after_s <= 3600
    assert reply.server_time_s is None or math.isfinite(reply.server_time_s)


def read_speech(data: bytes) -> None:
    """Frames of a socket, then the answer they make, alone and behind another part."""
    course = TaskTranscript("a" * 32)
    for frame in split(data):
        assert isinstance(course.take(frame), str)
    course.audio_bytes = 100
    part = course.answer()
    is_writable(course.told_so_far() or {})
    form = speech_answers.SoundForm("pcm", 8000)
    timed = {**part, "output": {**part["output"], "sentences": speech_answers.running_times(course.sentences, form)}}
    is_writable(part)
    job = job_of("speech", prompt="床前明月光", subtitles="srt")
    for whole in (part, timed, speech_answers.joined([part, part], [None, 700])):
        read_answer(job, whole, is_new=True)


def split(data: bytes) -> list[bytes]:
    """Return the elements of a JSON list as they stand: some of them may be no JSON."""
    return re.split(rb"(?<=\}), (?=\{\"(?:header|output)\")", data.strip(b"[]"))


class _Http:
    """Answers whatever is asked."""

    def __init__(self, content: bytes, status: int = 200) -> None:
        self._content = content
        self._reply = Reply(status, {}, content.decode("utf-8", "replace"), json_object(content))

    def send(self, *_words: Any, **_how: Any) -> Reply:
        return self._reply

    def stream(self, *_words: Any, **_how: Any) -> Iterator[Any]:
        yield from frames([self._content])


def service_of(content: bytes) -> Service:
    service = Service.__new__(Service)
    service.clock = ServerClock()
    service.is_public = False
    service._http = _Http(content)  # type: ignore[assignment]
    return service


def read_stream(data: bytes) -> None:
    """A text in pieces, over the lines of a stream."""
    lines = b"".join(b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:" + on_chunk + b"\n\n" for on_chunk in split(data))
    assembly = Assembly()
    for frame in service_of(lines).stream("/x", {}):
        assert all(isinstance(on_chunk, str) for on_chunk in assembly.add(frame))
    answer = assembly.answer()
    is_writable(answer)
    job = job_of("text", prompt="床前")
    read_answer(job, answer, is_new=True)
    is_writable(next_messages(job.prepared.body, answer))


def read_stream_bytes(data: bytes) -> None:
    """The lines themselves, cut anywhere."""
    cut = len(data) // 2
    for frame in frames([data[:cut], data[cut:]]):
        assert frame.status is None or 0 <= frame.status <= 999
        frame.data.encode()


def read_list(data: bytes) -> None:
    listing = service_of(data).list_tasks(model="wan2.2-t2i-flash")
    assert listing.server_time_s is None or math.isfinite(listing.server_time_s)
    for row in listing.rows:
        assert row.task_id
        assert row.created_at_s is None or 10**9 <= row.created_at_s <= 10**10
        is_writable(vars(row))


def read_lines(data: bytes) -> None:
    """A result file of the service's batches."""
    job = job_of("text", prompt="床前")
    for result in line_format.results([data, b"\n", data]):
        is_writable([result.job_id, result.wire_code, result.message, result.request_id, result.answer])
        if result.answer is not None:
            read_answer(job, result.answer, is_new=True)


def read_grant(data: bytes) -> None:
    """The permission to upload, and what a host in it does to a request (nobody listens there)."""
    upload(service_of(data), Path(__file__), "qwen-image-edit", "job-1")


def read_link(data: bytes) -> None:
    """A link of the service's: what is let through is, however it is spelled, no literal address of a private network."""
    link = data.decode("utf-8", "replace")
    try:
        asked = requests.Request("GET", link).prepare().url or ""
    except (requests.RequestException, ValueError):
        asked = ""
    if links.why_not(link) or links.why_not(asked):
        return
    for host in (urlsplit(link).hostname, urlsplit(asked).hostname, urllib3.util.parse_url(asked).host):
        number = _number_of(host or "")
        assert number is None or ipaddress.ip_address(number).is_global, (link, asked)


def _number_of(host: str) -> int | None:
    """Return the IPv4 address that a host is, read by another way than the product's: by hand."""
    parts = host.lower().rstrip(".").split(".")
    if not all(re.fullmatch(r"0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*", part, re.ASCII) for part in parts):
        return None
    numbers = [int(part, 16 if part[:2] == "0x" else 8 if part[0] == "0" else 10) for part in parts]
    if (
        not 1 <= len(numbers) <= 4
        or any(number > 255 for number in numbers[:-1])
        or numbers[-1] >= 256 ** (5 - len(numbers))
    ):
        return None
    return sum(number << 8 * (3 - at) for at, number in enumerate(numbers[:-1])) + numbers[-1]


def read_http(data: bytes) -> None:
    """An answer as it comes over the line: head, interim answers, chunks, packing; and what a download makes of it."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(data[:60_000])
        far.shutdown(socket.SHUT_WR)
        response = PatientResponse(near, within_s=5.0)
        try:
            response.begin()
            body = unpacked(_body_of(response), response.headers.get("content-encoding"))
        except (OSError, HTTPException, ValueError):
            return
        finally:
            response.close()
    assert len(body) <= MOST_ANSWER_BYTES
    assert response.status not in (100, 102, 103)
    Reply(response.status, response.headers, body.decode("utf-8", "replace"), json_object(body))


PACKED_JSON = gzip.compress(b'{"output": {"task_id": "t"}}')
HTTP_ANSWERS = [
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n{"output": {"task_id": "t"}}',
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}",
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\n{"a":\r\n2\r\n1}\r\n0\r\nX: y\r\n\r\n',
    b"HTTP/1.0 429 Slow\r\nRetry-After: 7\r\nContent-Encoding: identity\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(PACKED_JSON), PACKED_JSON),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nConnection: close\r\n\r\n" + zlib.compress(b"{}" * 999),
]
LINKS = [
    *(b"https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/a.png?Expires=1764300000&Signature=a%2Bb%3D", b"http://127.0.0.1/"),
    *(b"http://2130706433/", b"http://0x7f.1/a", b"http://[::ffff:127.0.0.1]:80/", b"http://user:word@10.0.0.1/", b"http://8.8.8.8/"),
    *("http://１２７。0。0。1/".encode(), b"http://127%2e0.0.1/", b"http://localhost./", b"http://a.example\\@127.0.0.1/", b"http://192.168.257/"),
]  # fmt: skip


class _Api(BatchApi):
    """A batch API that answers this."""

    def __init__(self, content: bytes) -> None:
        self._http = _Http(content)  # type: ignore[assignment]

    def content(self, file_id: str, target: Path) -> None:
        assert isinstance(file_id, str)
        assert file_id


def read_batches(data: bytes) -> None:
    """The list, and each batch in it."""
    value = json_object(data) or {}
    rows = value.get("data")
    for batch in rows if isinstance(rows, list) else []:
        if isinstance(batch, dict):
            is_writable(line_format.line_errors(batch, ["job-1", "job-2"]))
            is_writable(line_format.refusal(batch))
            try:
                fetch(_Api(data), Path("nowhere"), ServiceBatch("n", "me", "batch:x"), batch)
                assert _id_of(batch)
            except BailianError:
                pass
    for batch in _Api(data).find("bailian-1"):
        assert isinstance(batch["id"], str)
        assert batch["id"]


def read_batch(data: bytes) -> None:
    assert isinstance(_Api(data).batch("batch_1")["status"], str)


READERS: dict[str, Reader] = {
    "links": Reader(read_link, LINKS, odd_bytes),
    "HTTP": Reader(read_http, HTTP_ANSWERS, odd_bytes),
    "json": Reader(read_as_json, [*answers.PICTURES, *answers.DOCUMENTS, *answers.LISTS]),
    "reply": Reader(read_reply, [*answers.ERRORS, *answers.PICTURES]),
    "headers": Reader(read_header, answers.HEADERS, odd_bytes),
    "speech frames": Reader(read_speech, answers.SPEECH_FRAMES),
    "text stream": Reader(read_stream, answers.STREAM_FRAMES),
    "stream lines": Reader(
        read_stream_bytes, [b"id:1\r\nevent:result\r\n:HTTP_STATUS/429\r\ndata: {}\r\n\r\ndata:\n"], odd_bytes
    ),
    "task list": Reader(read_list, answers.LISTS),
    "upload grant": Reader(read_grant, answers.GRANTS),
    "batches": Reader(read_batches, answers.BATCHES),
    "one batch": Reader(read_batch, answers.ONE_BATCH),
    "batch results": Reader(read_lines, answers.RESULT_LINES),
}
