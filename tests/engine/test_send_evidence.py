"""What proves that a request was executed, whose task it is, and that the key went nowhere else."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from bailian.config.settings import Secret, home_folder
from bailian.errors import MaybeSent, NotSent
from bailian.sandbox import Fault, Sandbox
from bailian.service import client
from bailian.service.client import Listing, Service
from bailian.service.transport.http import Http, Reply
from bailian.store.leases import ProcessLease
from bailian.store.pace.rate_limits import RateLimiter
from tests.support.commands import Run
from tests.support.engines import new_engine, prepared, saving
from tests.support.journals import opened
from tests.support.local_web import Answer, LocalWeb, http
from tests.support.setting import KEY

Page = tuple[Reply, dict[str, Any]]


def submits(box: Sandbox) -> int:
    return sum(entry.method == "POST" for entry in box.requests)


def prompts(box: Sandbox) -> list[str]:
    return [task.body["input"]["prompt"] for task in box.tasks]


def make_elsewhere(at: Service, prompt: str = "别人的狗") -> None:
    """Make a task as another machine with the same account would: no journal here knows it."""
    request = prepared(prompt)
    at.create_task(request.model.route, request.body)


# A paid POST whose answer is broken has been sent.


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("answer", "posts"),
    [
        (lambda _seen: b'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\nConnection: close\r\n\r\n{"a":1}', 1),
        (http("302 Found", Location="http://a..b\xff/"), 0),
    ],
    ids=["two content lengths", "a redirect to a bad host"],
)
def test_an_answered_request_is_not_sent_again(
    text2image: Run, monkeypatch: pytest.MonkeyPatch, answer: Answer, posts: int
) -> None:
    """What is not the service's shows itself to a free question before: to a wall nothing paid is sent at all."""
    with LocalWeb(answer) as web:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", f"{web.url}/api/v1")
        text2image("猫", "--timeout", "2", exits=5)
        assert sum(seen.line.startswith("POST") for seen in web.seen) == posts


class TlsServer:
    """Reads requests over TLS, after a CONNECT if it is a proxy; `ending` gets the bare socket, then it is closed."""

    def __init__(self, tls: ssl.SSLContext, ending: Callable[[socket.socket], None], *, is_proxy: bool) -> None:
        self.received: list[bytes] = []
        self._tls, self._ending, self._is_proxy = tls, ending, is_proxy
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> TlsServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._closing.is_set():
                    return
                if self._is_proxy:
                    _read_until(connection, b"\r\n\r\n")
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with connection.dup() as bare, self._tls.wrap_socket(connection, server_side=True) as secured:
                    self.received.append(_read_until(secured, b"}}"))
                    self._ending(bare)


def _read_until(connection: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        more = connection.recv(65536)
        assert more, "the client left in the middle of its request"
        data += more
    return data


def answer_in_plain_text(bare: socket.socket) -> None:
    bare.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")


def drop(_bare: socket.socket) -> None:
    pass


def reset(bare: socket.socket) -> None:
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that the client trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext"]
    names = "subjectAltName=DNS:api.example,IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words, names, *files], check=True, capture_output=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.slow
@pytest.mark.parametrize("is_proxy", [False, True], ids=["direct", "behind a proxy"])
@pytest.mark.parametrize("ending", [answer_in_plain_text, drop, reset])
@pytest.mark.few(3)
def test_a_connection_broken_after_the_request_says_maybe_sent(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, ending: Callable[[socket.socket], None], is_proxy: bool
) -> None:
    """TLS and proxy errors mostly mean "never left"; after the request was delivered they must not."""
    with TlsServer(tls, ending, is_proxy=is_proxy) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
        host = "api.example:1" if is_proxy else f"127.0.0.1:{server.port}"
        with closing(Http(f"https://{host}", {})) as client, pytest.raises(MaybeSent):
            client.send("POST", "/x", body={"a": {"b": 1}}, read_timeout_s=5)
        assert len(server.received) == 1


# The account's task list: what it proves, and what it does not.


@pytest.mark.slow
def test_a_list_with_fewer_rows_than_announced_proves_nothing(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """total=1 and no row is no proof of absence: the task is not paid a second time."""
    page = Service._page

    def rows_elsewhere(self: Service, model: str | None, page_no: int, page_size: int) -> Page:
        reply, data = page(self, model, page_no, page_size)
        data["tasks"] = data.pop("data")
        return reply, data

    monkeypatch.setattr(Service, "_page", rows_elsewhere)
    box.faults.add(Fault(on="submit", kind="reset_after"))
    text2image("猫", "--timeout", "3", exits=5)
    assert submits(box) == len(box.tasks) == 1


@pytest.mark.slow
def test_a_list_that_does_not_say_how_many_pages_proves_nothing(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine's newer task fills the one page that is seen: ours may be on the next one."""
    page = Service._page
    made: list[str] = []

    def one_row_no_total_page(self: Service, model: str | None, page_no: int, _page_size: int) -> Page:
        if not made and _page_size > 1:
            made.append("别人的狗")
            make_elsewhere(self)
        reply, data = page(self, model, page_no, 1)
        del data["total_page"]
        return reply, data

    monkeypatch.setattr(Service, "_page", one_row_no_total_page)
    box.settings.enforce_limits = False
    box.faults.add(Fault(on="submit", kind="reset_after"))
    text2image("猫", "--timeout", "3", exits=5)
    assert sorted(prompts(box)) == sorted(["猫", *made])


@pytest.mark.slow
def test_a_list_with_a_nonsensical_number_of_pages_is_no_crash(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Service._page

    def many_pages(self: Service, model: str | None, page_no: int, page_size: int) -> Page:
        reply, data = page(self, model, page_no, page_size)
        return reply, {**data, "total_page": "many"}

    monkeypatch.setattr(Service, "_page", many_pages)
    box.faults.add(Fault(on="submit", kind="reset_after"))
    assert text2image("猫", "--timeout", "1", "--json", exits=5).json["error"]["code"] == "MaybeSent"
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_work_that_starts_late_is_not_paid_twice(text2image: Run, box: Sandbox) -> None:
    """The server begins what would be 45 s after the reset; until then the list was looked at in vain."""
    box.faults.add(Fault(on="submit", kind="reset_during", delay_s=0.9))
    assert len(text2image("猫").paths) == 1
    assert submits(box) == len(box.tasks) == 1


def test_the_pages_of_the_remote_list_keep_the_query_rate(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page after the first takes a place among the account's queries."""
    box.settings.enforce_limits = False
    with new_engine() as engine:
        for number in range(3):
            make_elsewhere(engine.services.service, f"猫{number}")
    places: list[str] = []

    def counted(_self: RateLimiter, name: str, _per_s: float | None) -> float:
        places.append(name)
        return 0.0

    monkeypatch.setattr(RateLimiter, "reserve", counted)
    monkeypatch.setattr(client, "LIST_PAGE_SIZE", 1)
    assert len(bailian("tasks", "list", "--remote", "--json").json["tasks"]) == 3
    assert [name.partition(":")[0] for name in places] == ["query", "query"]


# Whose task it is.


@pytest.mark.slow
def test_a_job_that_never_arrived_does_not_take_anothers_picture(bailian: Run) -> None:
    """Killed before the request arrived; meanwhile another machine made a task of the same model."""
    with new_engine() as engine:
        job = engine.intend(prepared("一只猫"), saving())
        engine.journal.record_intents([job.id], engine.services.lease.id, server_s=time.time())
        make_elsewhere(engine.services.service)
    assert "nothing was billed" in bailian("tasks", "wait", "--all", exits=5).err
    assert not list(Path().rglob("*.png"))


@pytest.mark.slow
def test_another_machines_task_is_not_taken_though_it_is_the_only_one(
    text2image: Run, bailian: Run, monkeypatch: pytest.MonkeyPatch, box: Sandbox
) -> None:
    """The request never arrived, and the list shows one unknown task of the model: its prompt says whose it is."""
    list_tasks = Service.list_tasks
    made: list[str] = []

    def list_with_anothers(
        self: Service, *, model: str | None = None, turn: Callable[[], None] | None = None
    ) -> Listing:
        if not made:
            made.append("别人的狗")
            make_elsewhere(self)
        return list_tasks(self, model=model, turn=turn)

    monkeypatch.setattr(Service, "list_tasks", list_with_anothers)
    box.faults.add(Fault(on="submit", kind="reset_before"))
    text2image("一只猫", "--no-wait")
    bailian("tasks", "wait", "--all")
    assert prompts(box) == [*made, "一只猫"]
    (path,) = Path().rglob("*.png")
    assert "一只猫" in path.name


@pytest.mark.slow
def test_a_task_that_was_taken_on_suspicion_is_given_back(bailian: Run, box: Sandbox) -> None:
    """Versions before this one took the only candidate: `wait` looks at the prompt and drops another's."""
    with new_engine() as engine:
        job = engine.intend(prepared("一只猫"), saving())
        engine.journal.record_intents([job.id], engine.services.lease.id, server_s=time.time())
        make_elsewhere(engine.services.service)
        engine.journal.adopt(job.id, box.tasks[0].task_id, None)
    assert "nothing was billed" in bailian("tasks", "wait", "--all", exits=5).err
    assert not list(Path().rglob("*.png"))


# The key.


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain-text proxy would see the key."""
    with LocalWeb(http(body=b"{}")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        headers = {"Authorization": f"Bearer {KEY}"}
        with closing(Http("http://127.0.0.1:9/api/v1", headers)) as client, pytest.raises(NotSent):
            client.send("GET", "/tasks/x", read_timeout_s=3)
        assert proxy.seen == []


def test_a_key_with_a_line_end_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError) as refused:
        Secret(f"{KEY}\n")
    assert KEY not in str(refused.value)


def test_a_key_that_the_server_repeats_is_masked(text2image: Run, box: Sandbox) -> None:
    """Neither the output nor the journal holds it."""
    repeated = f"Incorrect API key provided: {KEY}"
    box.faults.add(Fault(on="submit", kind="status", status=401, code="InvalidApiKey", message=repeated))
    ran = text2image("猫", "--json", exits=3)
    assert "Incorrect API key provided" in ran.out
    assert KEY not in ran.out + ran.err
    with closing(opened(home_folder())) as db:
        (row,) = db.execute("SELECT * FROM jobs").fetchall()
    assert "Incorrect API key provided" in str(row)
    assert KEY not in str(row)
    assert not any(KEY.encode() in path.read_bytes() for path in home_folder().glob("journal.sqlite3*"))


@pytest.mark.sqlite
def test_what_is_kept_back_at_the_first_byte_is_no_failed_try(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that has lost its lease for long refuses itself again and again; the network has not failed once."""
    answers = chain([True, False] * 6, repeat(True))
    monkeypatch.setattr(ProcessLease, "may_send", lambda _self, _term: next(answers))
    text2image("猫")
    assert len(box.tasks) == 1
