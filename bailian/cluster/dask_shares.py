"""Gives each worker of a Dask cluster its share, also those that join later, and hears how it ended.

All of it happens on a thread of its own: a scheduler that does not answer keeps nobody waiting. A share is a task that is
pinned to its worker and never run again by Dask: which rows are still to be sent is known to the journal alone.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bailian import __version__
from bailian.clock import Clock
from bailian.cluster.address import ClusterAddress
from bailian.cluster.carried import share_function, stop_function
from bailian.cluster.events import (
    Begun,
    Dashboard,
    Died,
    Ended,
    Event,
    SchedulerBack,
    SchedulerGone,
    SchedulerLost,
)
from bailian.cluster.share import Share, ShareResult, other_version
from bailian.errors import SetupError, TransportError
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.cluster.local import LocalWorkers

LOOK_S = 0.5
# The first workers are waited for.
EAGER_S = 0.1
# Who answers nothing for so long is away.
ANSWER_S = 10.0
CONNECT_S = 10.0
# Nobody waits longer for the thread that speaks to the scheduler.
LEAVE_S = 15.0
# A scheduler that somebody starts again is back within a minute.
PATIENCE_S = 60.0
_LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.comm", "distributed.scheduler",
            "distributed.utils", "distributed.http.proxy", "distributed.deploy", "distributed.batched", "tornado", "tornado.application")  # fmt: skip


def require_dask() -> None:
    """See that Dask is installed.

    Raises:
        SetupError: it is not; the text says how to get it.
    """
    if find_spec("distributed") is None:  # to load it takes half a second, which the rows' check need not wait for
        raise SetupError(
            tr(
                "--cluster needs dask[distributed], which is not installed",
                "--cluster 需要 dask[distributed]，尚未安装",
            ),
            advice=how_to().with_extra("cluster"),
        )


class Shares:
    """The shares of one command. Use as a context manager; it connects at once, and gives out when `begin` is called."""

    def __init__(self, address: ClusterAddress, clock: Clock) -> None:
        self._address, self._clock = address, clock
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        """What has happened; None wakes whoever waits for it."""
        self._share: Callable[[], Share] | None = None
        self._command = ""
        self._stopping = self._closing = self._let_go = False
        self._wake, self._connected = threading.Event(), threading.Event()
        self._trouble: Exception | None = None
        self._local: LocalWorkers | None = None
        self._futures: dict[str, Any] = {}
        self._over: set[str] = set()
        """Workers whose shares have ended: they get no other one."""
        self._told: set[str] = set()
        """Workers that know that they are to end."""
        self._number = itertools.count()
        self._thread = threading.Thread(target=self._live, name="bailian-cluster", daemon=True)

    def __enter__(self) -> Shares:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let what still works end, and leave the scheduler. A second time does nothing."""
        self._stopping = self._closing = True
        self._wake.set()
        self._thread.join(LEAVE_S)

    @property
    def can_grow(self) -> bool:
        """Return whether a worker may still come: nobody else starts those of this command."""
        return self._local is None or self._local.alive > 0

    def wait_connected(self) -> None:
        """Wait until the scheduler has answered.

        Raises:
            TransportError: nobody answers there.
        """
        while not self._connected.wait(1.0):  # in short waits: Windows interrupts none
            pass
        if self._trouble is not None:
            title = self._address.title
            raise TransportError(
                tr(f"no scheduler answers at {title}: {self._trouble}", f"{title} 没有调度器应答：{self._trouble}"),
                advice=tr("start it, or name another one", "请启动它，或指定另一个"),
            )

    def begin(self, command: str, share: Callable[[], Share]) -> None:
        """Give every worker a share from now on; `share` is asked for each: time goes by."""
        self._command, self._share = command, share
        self._wake.set()

    def stop(self) -> None:
        """Let the shares end: what is under way is brought in, nothing more is sent."""
        self._stopping = True
        self._wake.set()

    def let_go(self) -> None:
        """Wait for no share any more: they end by themselves."""
        self._let_go = True

    def _live(self) -> None:
        try:
            try:
                url = self._url()
                client = self._client(url, CONNECT_S)
            except Exception as error:  # noqa: BLE001 - told where somebody waits for it
                self._trouble = error
                return
            finally:
                self._connected.set()
            while client is not None:
                why = self._attended(client)
                _close(client)
                client = None if self._closing else self._found_again(url, why)
        finally:
            if self._local is not None:
                self._local.close(wait=not self._let_go)

    def _url(self) -> str:
        import distributed  # noqa: F401 - it sets how its loggers speak

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # this command says what people have to know
        if not self._address.is_local:
            return self._address.url
        from bailian.cluster.local import LocalWorkers

        self._local = LocalWorkers(self._address.local_workers, self._clock)
        return self._local.url

    def _client(self, url: str, timeout_s: float) -> Any:
        from distributed import Client

        client = Client(url, timeout=timeout_s, set_as_default=False, name="bailian")  # type: ignore[no-untyped-call]
        if not self._address.is_local and not self._connected.is_set():
            with suppress(KeyError, AttributeError):  # it has none
                self.events.put(Dashboard(str(client.dashboard_link)))
        return client

    def _attended(self, client: Any) -> str:
        """Look after the shares until this command is over, or the scheduler is lost; return why it is."""
        try:
            while not self._closing:
                found = set(client.sync(client.scheduler.ncores, callback_timeout=ANSWER_S))
                if any(future.status == "cancelled" for future in self._futures.values()):
                    # Dask has connected again by itself, and forgot the shares; the scheduler may be another one.
                    raise ConnectionError(tr("it hung up", "连接已断开"))
                self._forget_dead(client, found)
                self._hear()
                if self._stopping:
                    self._tell_to_end(client)
                elif self._share is not None:
                    for worker in sorted(found - self._over - self._futures.keys()):
                        self._give(client, worker, self._share())
                self._wake.wait(LOOK_S if self._futures or self._over else EAGER_S)
                self._wake.clear()
            self._tell_to_end(client)
        except Exception as error:  # noqa: BLE001 - whatever it is, this connection is of no use any more
            return f"{type(error).__name__}: {error}".rstrip(": ")
        return ""

    def _found_again(self, url: str, why: str) -> Any:
        """Return a connection to whoever answers there next; None if nobody does for long."""
        for shares in (self._futures, self._over, self._told):
            shares.clear()
        self.events.put(SchedulerLost(why, PATIENCE_S))
        until_s = self._clock.monotonic() + PATIENCE_S
        while not self._closing and self._clock.monotonic() < until_s:
            try:
                client = self._client(url, ANSWER_S)
            except Exception:  # noqa: BLE001, PERF203 - there is nobody yet
                self._wake.wait(LOOK_S)
            else:
                self.events.put(SchedulerBack())
                return client
        self.events.put(SchedulerGone())
        return None

    def _give(self, client: Any, worker: str, share: Share) -> None:
        self._futures[worker] = client.submit(
            share_function(),
            share.packed(),
            key=f"bailian-{share.command}-{next(self._number)}",
            workers=[worker],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        self.events.put(Begun(worker))

    def _forget_dead(self, client: Any, found: set[str]) -> None:
        self._over &= found  # another process may come to the same address
        for worker in self._futures.keys() - found:
            client.cancel([self._futures.pop(worker)])
            self.events.put(Died(worker))

    def _hear(self) -> None:
        for worker, future in list(self._futures.items()):
            if not future.done():
                continue
            del self._futures[worker]
            if future.status == "lost":
                self.events.put(Died(worker))
                continue
            self._over.add(worker)
            self.events.put(Ended(worker, _result(future, worker)))

    def _tell_to_end(self, client: Any) -> None:
        """Tell it to those workers that do not know it. What has not begun yet is taken back: others may be at work there."""
        workers = [worker for worker in self._futures if worker not in self._told]
        if not workers:
            return
        has_begun = client.sync(
            client.run, stop_function(), self._command, workers=workers, on_error="ignore", callback_timeout=ANSWER_S
        )
        self._told |= has_begun.keys()
        for worker in (worker for worker, begun in has_begun.items() if not begun):
            client.cancel([self._futures.pop(worker)])
            self._over.add(worker)
            self.events.put(Ended(worker, ShareResult("", interrupted=True)))


def _result(future: Any, worker: str) -> ShareResult:
    """Return what a worker has answered."""
    if future.status == "error":
        error = future.exception()
        return ShareResult(
            "", broken=tr(f"the task failed: {type(error).__name__}", f"任务失败：{type(error).__name__}")
        )
    found = future.result()
    if isinstance(found, ShareResult):
        return found
    if found is None:
        return ShareResult("", refused=tr("the toolkit is not installed there", "未安装本工具"))
    return ShareResult("", refused=other_version(str(found), __version__))


def _close(client: Any) -> None:
    with suppress(Exception):
        client.close(timeout=1)
