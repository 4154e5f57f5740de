"""Runs a sandbox alone, for any client of the service, until Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path

from bailian.i18n import tr
from bailian.sandbox.server import Sandbox

TRY_KEY = "sk-sandbox"


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    state_path: Path | None = None,
    task_s: float = 1.0,
    jitter: float = 0.0,
    api_keys: Collection[str] | None = None,
    enforce_limits: bool = True,
    link_life_s: float = 86400.0,
    fetch_foreign: str = "placeholder",
    day: date | None = None,
    allow_hosts: Collection[str] = (),
    script: Path | None = None,
    certificate: tuple[Path, Path] | None = None,
    on_ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Listen until Ctrl-C or SIGTERM; what the user needs to know goes to stderr.

    Raises:
        SandboxUnavailable: the extra `[sandbox]` is not installed.
        WrongEntry: the script is wrong.
        OSError: the port is taken, or the certificate cannot be read.
    """
    box = Sandbox(
        host=host,
        port=port,
        state_path=state_path,
        task_s=task_s,
        jitter=jitter,
        api_keys=api_keys,
        enforce_limits=enforce_limits,
        link_life_s=link_life_s,
        fetch_foreign=fetch_foreign,
        day=day,
        allow_hosts=allow_hosts,
        script=script or (),
        certificate=certificate,
    )
    with box:
        _introduce(box, next(iter(sorted(api_keys)), TRY_KEY) if api_keys else TRY_KEY)
        if on_ready is not None:
            on_ready(box)
        _wait_for_the_end()


def serve_recording(
    path: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    upstream: str = "",
    replays: bool = False,
    allow_hosts: Collection[str] = (),
    certificate: tuple[Path, Path] | None = None,
) -> None:
    """Record what passes to the real service, or answer from what was recorded, until Ctrl-C or SIGTERM.

    Raises:
        ValueError: the upstream, or the recording, is wrong.
        OSError: the port is taken, or a file cannot be used.
    """
    from bailian.sandbox.recording.server import UPSTREAM, RecordingProxy, Replay

    where = upstream or UPSTREAM
    server = (
        Replay(path, host=host, port=port, allow_hosts=allow_hosts, certificate=certificate)
        if replays
        else RecordingProxy(
            path, upstream=where, host=host, port=port, allow_hosts=allow_hosts, certificate=certificate
        )
    )
    with server:
        url = server.base_url
        told = (
            tr(f"Answering at {url} from {path} (Ctrl-C stops it).", f"正在 {url} 按 {path} 回放（按 Ctrl-C 停止）。")
            if replays
            else tr(
                f"Recording at {url}: requests go on to {where} WITH YOUR KEY AND COST MONEY; without the key they are "
                f"kept in {path} (Ctrl-C stops it).",
                f"正在 {url} 录制：请求会带着您的密钥转发到 {where} 并产生费用；去除密钥后保存在 {path}（按 Ctrl-C 停止）。",
            )
        )
        key = f" DASHSCOPE_API_KEY={TRY_KEY}" if replays else ""
        export = f"export DASHSCOPE_HTTP_BASE_URL={url}{key}"
        print(told, tr("In another shell:", "在另一个终端中执行："), export, sep="\n", file=sys.stderr, flush=True)  # noqa: T201
        _wait_for_the_end()


def _wait_for_the_end() -> None:
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with contextlib.suppress(KeyboardInterrupt):
        while not ended.wait(0.5):  # an endless wait could not be interrupted on Windows
            pass
    print(tr("The sandbox has stopped.", "沙箱已停止。"), file=sys.stderr)  # noqa: T201


def _introduce(box: Sandbox, key: str) -> None:
    lines = [
        tr(
            f"The sandbox listens at {box.base_url} (Ctrl-C stops it).",
            f"沙箱正在监听 {box.base_url}（按 Ctrl-C 停止）。",
        ),
        tr("In another shell:", "在另一个终端中执行："),
        f"export DASHSCOPE_HTTP_BASE_URL={box.base_url} DASHSCOPE_API_KEY={key}",
        f"export DASHSCOPE_WEBSOCKET_BASE_URL={box.socket_url}",
    ]
    if box.token:
        told = tr(
            "Commands from other computers (/_sandbox/…) need the header", "其他机器的管理请求（/_sandbox/…）须带请求头"
        )
        lines.append(f"{told} x-sandbox-token: {box.token}")
    print(*lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201
