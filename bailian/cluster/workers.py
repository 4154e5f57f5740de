"""Runs on a worker: is this one of the account, and of the journal? Then the engine, on the rows that it claims.

What a worker must know that nobody may overhear, it reads from its own environment and settings. What it answers holds no
more than an error's text: an exception that came to the scheduler would bring its traceback along.
"""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bailian import __version__
from bailian.api.running import Stop
from bailian.batch.machines import take_over
from bailian.batch.run import run_batch, runs_of
from bailian.batch.sync import BatchSpec
from bailian.catalog import load
from bailian.cluster.share import Share, ShareResult, other_version
from bailian.config.settings import Settings, home_folder, read_settings
from bailian.engine.engine import Engine
from bailian.engine.step import Outcome
from bailian.errors import BailianError, Exit, FileElsewhere, Interrupted, JournalError, journalled
from bailian.i18n import tr
from bailian.instructions import Instructions, spoken_by
from bailian.store.budgets import Budget
from bailian.store.states import Status

_log = logging.getLogger("bailian")
# How often a share looks whether its Dask worker is about to end.
LOOK_S = 0.5
# So many rows that wait for another machine are named; how many there are is in the journal.
NAMED_ROWS = 20
_ENDING = ("closing", "closing_gracefully", "closed", "failed")
_stops: dict[str, list[Stop]] = {}
"""What ends the shares of each command in this process."""
_stopped: set[str] = set()
"""Commands that were told to end, perhaps before a share of theirs began."""
_lock = threading.Lock()


class _Refused(Exception):
    """This worker takes no part."""


def run_share(words: Mapping[str, Any]) -> ShareResult:
    """Run a share to its end, on a thread that outlives a worker which loses its scheduler: answers are brought in."""
    host = platform.node()
    if words["version"] != __version__:
        return ShareResult(host, refused=other_version(__version__, str(words["version"])))
    share = Share(**{name: value for name, value in words.items() if name != "version"})
    ended: list[ShareResult] = []
    with _stop_of(share.command) as stop:
        # No daemon: the process waits for it.
        thread = threading.Thread(target=lambda: ended.append(_ended(share, stop, host)), name="bailian-share")
        thread.start()
        is_ending = _is_ending()
        while thread.is_alive():
            thread.join(LOOK_S)
            if is_ending():
                stop.press()
    return ended[0]


def stop_shares(command: str) -> bool:
    """End the shares of a command, those that have not begun yet, too: what is under way is brought in.

    Returns:
        Whether one has begun.
    """
    with _lock:
        _stopped.add(command)
        stops = list(_stops.get(command, ()))
    for stop in stops:
        stop.press()
    return bool(stops)


@contextmanager
def _stop_of(command: str) -> Iterator[Stop]:
    stop = Stop()
    with _lock:
        _stops.setdefault(command, []).append(stop)
        if command in _stopped:
            stop.press()
    try:
        yield stop
    finally:
        with _lock:
            _stops[command].remove(stop)


def _is_ending() -> Callable[[], bool]:
    """Return what says whether the Dask worker around this is about to end."""
    from distributed import get_worker

    worker = get_worker()
    return lambda: worker.status.name in _ENDING


def _ended(share: Share, stop: Stop, host: str) -> ShareResult:
    """Run a share; return what became of it, whatever it is."""
    try:
        with spoken_by(_words(share.words)):
            return _run(share, stop, host)
    except _Refused as refused:
        return ShareResult(host, refused=str(refused))
    except BailianError as error:
        return ShareResult(host, broken=_told(error, share))
    except Exception as error:  # noqa: BLE001 - whatever it is, it does not pass the scheduler
        _log.exception("a share of a batch has failed")  # on this worker: a text of somebody else's may hold anything
        return ShareResult(
            host, broken=tr(f"a bug of the toolkit: {type(error).__name__}", f"工具自身的错误：{type(error).__name__}")
        )


def _words(name: str) -> Callable[[], Instructions]:
    """Return who says what errors advise."""
    module, _, attribute = name.partition(":")
    words: Callable[[], Instructions] = getattr(import_module(module), attribute) if name else Instructions
    return words


def _told(error: BailianError, share: Share, journal: str = "") -> str:
    """Return what the command may hear of an error: where a journal's server is stays on this worker, in its log."""
    if isinstance(error, JournalError) and share.on_server:
        _log.error("%s", error.message)
        return tr("its journal cannot be used; its own log says why", "无法使用其日志；原因见其自身的输出")
    return error.message.replace(journal, tr("its journal", "其日志")) if journal and share.on_server else error.message


def _run(share: Share, stop: Stop, host: str) -> ShareResult:
    with ExitStack() as stack:
        journal = ""
        try:
            here = _checked(share)
            journal = here.journal.title
            engine = stack.enter_context(Engine(here, load(home_folder())))
        except BailianError as error:
            raise _Refused(_told(error, share, journal)) from None
        if engine.services.lease.is_dead(share.command):
            raise _Refused(
                tr("its journal is another one (BAILIAN_JOURNAL there)", "其日志不是同一个（见其 BAILIAN_JOURNAL）")
            )
        stop.hold(engine)
        given = (Budget(limit_cny, name, run) for limit_cny, name, run in share.budgets)
        state = engine.services.run_state
        state.budgets = tuple(dict.fromkeys((*state.budgets, *given)))
        return _counted(engine, share, host)


def _checked(share: Share) -> Settings:
    """Return this worker's own settings.

    Raises:
        _Refused: they are of another account, or lead to another journal.
        BailianError: they cannot be read, or there is no key.
    """
    here = read_settings(**share.options)
    here.require_key()
    if here.account != share.account:
        raise _Refused(tr("its key, or its host, is another account's", "其密钥或服务地址属于另一账号"))
    for name, own, wanted in (
        ("region", here.region, share.region),
        ("workspace", here.workspace or "-", share.workspace or "-"),
    ):
        if own != wanted:
            raise _Refused(tr(f"its {name} is {own}, not {wanted}", f"其 {name} 为 {own}，应为 {wanted}"))
    if bool(here.journal_url) != share.on_server:
        raise _Refused(
            tr("its journal is another one (BAILIAN_JOURNAL there)", "其日志不是同一个（见其 BAILIAN_JOURNAL）")
        )
    return replace(here, split=True)


def _counted(engine: Engine, share: Share, host: str) -> ShareResult:
    """Bring rows to their end until the batch is over, or this worker is told to end."""
    spec = BatchSpec(Path("-"), share.run, Path(), share.kind, strict=share.strict)
    take_over(engine, spec, runs_of(engine, spec))
    done = failed = 0
    interrupted, stopped = False, None
    elsewhere: list[tuple[str, str]] = []
    try:
        with closing(run_batch(engine, spec, timeout_s=share.timeout_s, wait=share.wait)) as outcomes:
            for outcome in outcomes:
                done += outcome.state == Status.DONE
                failed += outcome.state in (Status.FAILED, Status.HELD, Status.UNSENT)
                if isinstance(outcome.error, JournalError):
                    raise outcome.error
                stopped = stopped or (outcome if _stops_all(outcome) else None)
                if isinstance(outcome.error, FileElsewhere) and len(elsewhere) < NAMED_ROWS:
                    elsewhere.append((outcome.job.id, outcome.error.message))
    except Interrupted:
        interrupted = True
    return ShareResult(
        host,
        done=done,
        failed=failed,
        interrupted=interrupted or engine.interrupted,
        stopped=journalled(stopped.error) if stopped is not None and stopped.error is not None else None,
        stopped_job=stopped.job.id if stopped is not None else "",
        elsewhere=tuple(elsewhere),
    )


def _stops_all(outcome: Outcome) -> bool:
    """Return whether what a row met ends the whole batch: the key, the account, a budget."""
    error = outcome.error
    return error is not None and (error.stops_all or error.exit_code == Exit.ACCOUNT)
