"""`--cluster`: what goes together with it, and the way from the command line to the workers."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from bailian.clock import current_clock
from bailian.errors import InvalidRequest, SetupError
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.cli.args.options import SharedOptions
    from bailian.cli.batch.batch_call import BatchOptions, Call
    from bailian.cli.batch.batch_progress import BatchProgress
    from bailian.cluster.dask_shares import Shares
    from bailian.cluster.share import Share
    from bailian.config.settings import Settings
    from bailian.engine.engine import Engine
    from bailian.engine.step import Outcome

WORDS = "bailian.cli.output.shell_words:ShellWords"
"""Who says what errors of the workers advise: they are read in this shell."""


def check_cluster(common: SharedOptions, options: BatchOptions, here: Settings) -> Settings:
    """Return the settings of a run that splits its rows among workers, as asked.

    Raises:
        InvalidRequest: no such address, or an option that means nothing to several processes.
        SetupError: the workers of other machines have no journal in common with this one.
    """
    if options.cluster is None:
        return here
    from bailian.cluster.address import parsed

    address = parsed(options.cluster)
    for name, given in (("batch-api", options.batch_api), ("in-flight", options.in_flight is not None)):
        if given:
            _refuse(name)
    if not address.is_local and common.sandbox:
        raise InvalidRequest.one(
            "cluster",
            tr("the sandbox is on this machine alone", "沙箱只在本机上"),
            advice=tr("--cluster local:4 with --sandbox", "与 --sandbox 一起使用 --cluster local:4"),
        )
    if not address.is_local and not here.journal.is_shared:
        raise SetupError(
            tr(
                "workers on other machines need a journal on a server, which they share",
                "其他机器上的工作进程需要共享的服务器日志",
            ),
            advice=_set_up(),
        )
    return replace(here, split=True)


def _refuse(name: str) -> None:
    reasons = {
        "batch-api": tr("goes from one process at a time", "同一时间只能由一个进程发送"),
        "in-flight": tr(
            "counts the answers of one process, not of all workers", "只计一个进程的应答，而非所有工作进程"
        ),
    }
    raise InvalidRequest.one(
        name, reasons[name], advice=tr(f"leave --{name} or --cluster out", f"请去掉 --{name} 或 --cluster")
    )


def _set_up() -> str:
    """Return the lines that set up a journal for several machines."""
    from bailian.instructions import how_to

    url, copy = "postgresql://USER@HOST/bailian", how_to().command("journal", "copy", "postgresql://USER@HOST/bailian")
    lines = (
        "psql -c 'CREATE DATABASE bailian'",
        f"{copy}  # {tr('once, if there is a history here', '如本机已有历史记录，运行一次')}",
        f"export BAILIAN_JOURNAL={url}  # {tr('here and on each worker', '本机与每个工作进程')}",
    )
    return "\n".join(
        (tr("set one up, or take --cluster local:4:", "请设置共享日志，或使用 --cluster local:4："), *lines)
    )


@contextmanager
def workers(call: Call) -> Iterator[Shares | None]:
    """Reach for the workers of a call while its journal is opened and its rows are checked; None if it has none.

    Raises:
        SetupError: Dask is not installed.
    """
    if call.options.cluster is None:
        yield None
        return
    from bailian.cluster.address import parsed
    from bailian.cluster.dask_shares import Shares, require_dask

    require_dask()
    with Shares(parsed(call.options.cluster), current_clock()) as shares:
        yield shares


@contextmanager
def ended_first(shares: Shares | None) -> Iterator[None]:
    """Let the workers end before what they work with: a sandbox, and the lease that they know this command by."""
    try:
        yield
    finally:
        if shares is not None:
            shares.close()


def outcomes_of_workers(
    call: Call, engine: Engine, shares: Shares, left_s: float | None, progress: BatchProgress
) -> Generator[Outcome, None, None]:
    """Yield the rows as the workers end them; see `run_on_cluster`."""
    from bailian.cli.output.terminal import print_err
    from bailian.cluster.watch import run_on_cluster

    until_s = None if left_s is None else engine.clock.monotonic() + left_s
    share = _share_of(call, engine)

    def now() -> Share:
        left = None if until_s is None else max(0.001, until_s - engine.clock.monotonic())
        return replace(share, timeout_s=left)

    def say(text: str, is_trouble: bool) -> None:
        if call.shown or (is_trouble and not call.common.quiet):
            with progress.paused():
                print_err(text)

    return run_on_cluster(engine, call.spec, shares, now, say)


def _share_of(call: Call, engine: Engine) -> Share:
    """Return what each worker is told, but for the time that is left."""
    from bailian.cluster.share import Share

    here, common = engine.settings, call.common
    return Share(
        command=engine.services.lease.id,
        account=engine.services.account,
        run=call.spec.run,
        kind=call.spec.kind,
        region=here.region,
        workspace=here.workspace,
        on_server=engine.journal.place.is_shared,
        strict=call.spec.strict,
        wait=common.wait,
        budgets=tuple((one.limit_cny, one.name, one.run) for one in engine.services.run_state.budgets),
        options={
            "profile": common.profile,
            "region": common.region,
            "workspace": common.workspace,
            # A sandbox that this command has started is at an address of its own.
            "base_url": here.base_url if here.sandbox else common.base_url,
            "sandbox": here.sandbox,
        },
        words=WORDS,
    )
