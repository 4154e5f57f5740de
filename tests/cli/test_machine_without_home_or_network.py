"""The machine under the toolkit: a user without a home, certificates and proxies that lead nowhere, at every door."""

from __future__ import annotations

import importlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bailian.store.private import NO_HOME
from tests.support.commands import Ran, Run, run_command
from tests.support.setting import KEY

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a Windows user has a home")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ran]:
    """Any command with a key, pointed at the real service: nothing of these tests gets so far."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    Path("rows.jsonl").write_text(json.dumps({"kind": "image", "prompt": "cat"}) + "\n", encoding="utf-8")
    Path("one.json").write_text(json.dumps({"prompt": "cat"}), encoding="utf-8")

    def run(name: str, *words: str, exits: int) -> Ran:
        from bailian.cli.main import bailian

        main: Any = bailian if name == "bailian" else importlib.import_module(name).main
        return run_command(main, *words, exits=exits)

    return run


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without an entry, and no HOME: OpenShift, systemd's DynamicUser, `env -i`."""
    import pwd

    def unknown(_uid: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "BAILIAN_HOME", "XDG_DATA_HOME", "DASHSCOPE_API_KEY_FILE_PATH"):
        monkeypatch.delenv(name, raising=False)


PAYING = [
    ("text2image", "cat"),
    ("text2image", "--config", "one.json"),
    ("text2text", "hello"),
    ("audio", "tts", "hello"),
    ("bailian", "batch", "run", "rows.jsonl"),
    ("bailian", "tasks", "wait", "--all"),
    ("bailian", "doctor"),
]
DOORS = pytest.mark.parametrize("words", PAYING, ids=" ".join)


@pytest.mark.usefixtures("nobody")
@DOORS
@pytest.mark.parametrize("mode", [(), ("--sandbox",)], ids=["", "sandbox"])
def test_a_user_without_a_home_is_told_the_variable(
    command: Run, words: tuple[str, ...], mode: tuple[str, ...]
) -> None:
    """Exit 3 before anything is sent; nothing is written into a folder named "~"."""
    ran = command(*words, *mode, exits=3)
    assert "BAILIAN_HOME=" in ran.out + ran.err
    assert not Path("~").exists()
    assert str(NO_HOME) not in ran.err


@pytest.mark.few(2)
@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    "words",
    [
        ("text2image", "cat", "--dry-run"),
        ("text2text", "hello", "--dry-run"),
        ("audio", "tts", "hello", "--dry-run"),
        ("bailian", "models", "qwen-plus"),
        ("bailian", "--help"),
    ],
    ids=" ".join,
)
def test_what_writes_nothing_needs_no_home(command: Run, words: tuple[str, ...]) -> None:
    command(*words, exits=0)


@pytest.mark.slow
@pytest.mark.usefixtures("nobody")
def test_with_the_variable_a_user_without_a_home_works(
    text2image: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path / "kept"))
    assert text2image("cat").paths[0].is_file()


@pytest.mark.usefixtures("nobody")
def test_a_home_of_nobody_in_the_variable_is_refused(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILIAN_HOME", "~/data")
    assert "BAILIAN_HOME" in command("text2image", "cat", exits=3).err


@DOORS
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_lead_nowhere_stop_before_anything_is_sent(
    command: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], variable: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere/ca.pem")
    ran = command(*words, exits=3)
    assert f"{variable}=/nowhere/ca.pem: " in ran.out + ran.err


@pytest.mark.few(2)
@DOORS
@pytest.mark.parametrize("value", ["http：//127.0.0.1:7890", "socks5://127.0.0.1:1080"])
def test_a_proxy_that_cannot_be_used_stops_before_anything_is_sent(
    command: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], value: str
) -> None:
    """No job is left open by it: it was never sent."""
    monkeypatch.setattr("bailian.service.transport.network.find_spec", lambda _name: None)
    monkeypatch.setenv("all_proxy", value)
    ran = command(*words, exits=3)
    assert "all_proxy" in ran.out + ran.err
    assert ("[socks]" in ran.out + ran.err) == value.startswith("socks")
    monkeypatch.delenv("all_proxy")
    assert "sending" not in command("bailian", "tasks", "list", exits=0).out


def test_doctor_shows_the_proxy_and_the_certificates(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the password masked, and with the variable each comes from."""
    ca = Path("ca.pem").absolute()
    ca.write_text("-----BEGIN CERTIFICATE-----\n", encoding="ascii")
    monkeypatch.setenv("https_proxy", "user:secret@127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    ran = command("bailian", "doctor", exits=5)
    assert "proxy      http://user:***@127.0.0.1:1 (https_proxy)" in ran.out
    assert f"trusts     {ca} (SSL_CERT_FILE)" in ran.out
    assert "secret" not in ran.out + ran.err


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize(
    "words",
    [
        ("text2image", "cat", "--model", "qwen-image-max"),
        ("audio", "tts", "hello"),
        ("image_edit", "make it red", "--image", "https://example.com/in.png"),
    ],
    ids=" ".join,
)
def test_nothing_is_under_way_while_a_proxy_is_silent(
    command: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """The request has not left: nobody is told that a paid one is waited for."""
    monkeypatch.setattr("bailian.service.transport.http.CONNECT_TIMEOUT_S", 2.0)
    monkeypatch.setattr("bailian.engine.scheduler.NOTIFY_AFTER_S", 0.1)
    speech = importlib.import_module("bailian.service.speech.session").SpeechSocket
    monkeypatch.setitem(speech.__init__.__kwdefaults__, "open_s", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{silent.getsockname()[1]}")
        ran = command(*words, "--timeout", "0.5", exits=5)
    assert "under way" not in ran.err
    assert words[0] == "audio" or "(https_proxy) did not connect to dashscope.aliyuncs.com in time" in ran.err
