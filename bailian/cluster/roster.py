"""Which workers are at a batch, which are not and why, and whether it is worth waiting for others."""

from __future__ import annotations

from collections.abc import Callable

from bailian.clock import Clock
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
from bailian.cluster.share import ShareResult
from bailian.errors import BailianError, SetupError, TransportError, from_journal
from bailian.i18n import tr

Say = Callable[[str, bool], None]
"""Tells a person a sentence; with True it is trouble, which cron hears of, too."""

# A worker that somebody starts again is there within a minute.
PATIENCE_S = 60.0
# They load for a second or two; who waits longer is told.
NOTIFY_AFTER_S = 5.0


class Roster:
    """Hears of the workers, and tells a person what matters."""

    def __init__(self, clock: Clock, say: Say) -> None:
        self._clock, self._say = clock, say
        self._alive: set[str] = set()
        self._ended = self._refused = 0
        self._lonely_since_s: float | None = None
        self._told_lonely = False
        self._is_lost = self._is_gone = False
        self.stopped: tuple[BailianError, str] | None = None
        """What ends the whole batch, and the job that has met it."""
        self.elsewhere: dict[str, str] = {}
        """Rows whose files a worker has not, by their jobs, and what is said of them."""

    def note(self, event: Event) -> None:
        """Take in what has happened."""
        if isinstance(event, Dashboard):
            self._say(tr(f"dashboard: {event.url}", f"仪表盘：{event.url}"), False)
        elif isinstance(event, Begun):
            self._alive.add(event.worker)
            self._lonely_since_s = None
        elif isinstance(event, Ended):
            self._alive.discard(event.worker)
            self._note_result(event.worker, event.result)
        elif isinstance(event, Died):
            self._alive.discard(event.worker)
            self._say(
                tr(
                    f"worker {event.worker} is gone: the others go on with its rows",
                    f"工作进程 {event.worker} 已消失：其他进程将继续处理其各行",
                ),
                True,
            )
        else:
            self._note_scheduler(event)

    def _note_result(self, worker: str, result: ShareResult) -> None:
        named = worker + (f" ({result.host})" if result.host else "")
        if result.refused:
            self._refused += 1
            self._say(
                tr(
                    f"worker {named} takes no part: {result.refused}",
                    f"工作进程 {named} 不参与：{result.refused}",
                ),
                True,
            )
            return
        if result.broken:
            self._say(
                tr(f"worker {named} has ended: {result.broken}", f"工作进程 {named} 已结束：{result.broken}"), True
            )
            return
        self._ended += not result.interrupted
        self.elsewhere |= dict(result.elsewhere)
        if result.stopped is not None and self.stopped is None:
            self.stopped = from_journal(result.stopped), result.stopped_job

    def _note_scheduler(self, event: SchedulerLost | SchedulerBack | SchedulerGone) -> None:
        if isinstance(event, SchedulerLost):
            self._alive.clear()
            self._is_lost = True
            self._say(
                tr(
                    f"the scheduler does not answer ({event.why}): waiting for it, up to {event.patience_s:.0f} s; "
                    "workers bring in what is under way",
                    f"调度器无应答（{event.why}）：最多等待 {event.patience_s:.0f} 秒；各工作进程会取回进行中的结果",
                ),
                True,
            )
        elif isinstance(event, SchedulerBack):
            self._is_lost, self._lonely_since_s = False, None
            self._say(tr("a scheduler answers again, going on", "调度器已恢复，继续运行"), True)
        else:
            self._is_gone = True

    @property
    def nobody_works(self) -> bool:
        """Return whether no worker is known to be at the batch."""
        return not self._alive

    def is_over(self, *, can_grow: bool, again: str) -> bool:
        """Return whether the workers have done what they can.

        Args:
            can_grow: whether other workers may come.
            again: how a person goes on with the batch.

        Raises:
            SetupError: every worker was refused.
            TransportError: no worker is left, or the scheduler stays away.
        """
        advice = tr(f"{again}: nothing is paid twice", f"{again}即可继续：不会重复计费")
        if self._is_gone:
            raise TransportError(
                tr("the scheduler stays away", "调度器一直无应答"),
                advice=tr(
                    f"start it and its workers, or leave --cluster out; then {advice}",
                    f"请启动调度器与工作进程，或去掉 --cluster；然后{advice}",
                ),
            )
        if self._is_lost or self._alive:
            return False
        if self._ended or self.stopped is not None:
            return True
        if self._refused:
            text = tr("no worker may take part: see above", "没有可参与的工作进程：见上文")
            raise SetupError(text, advice=tr(f"set them up, then {again}", f"请先完成设置，然后{again}"))
        self._wait_for_one(can_grow, advice)
        return False

    def _wait_for_one(self, can_grow: bool, advice: str) -> None:
        now_s = self._clock.monotonic()
        if self._lonely_since_s is None:
            self._lonely_since_s, self._told_lonely = now_s, False
        if now_s - self._lonely_since_s > NOTIFY_AFTER_S and not self._told_lonely and can_grow:
            self._told_lonely = True
            self._say(
                tr(
                    f"no worker is there: waiting for one, up to {PATIENCE_S:.0f} s",
                    f"没有工作进程：最多等待 {PATIENCE_S:.0f} 秒",
                ),
                True,
            )
        if not can_grow or now_s - self._lonely_since_s > PATIENCE_S:
            raise TransportError(tr("no worker is there", "没有工作进程"), advice=advice)
