"""`bailian tasks`: what this machine started, what the account has, and how to get what is left."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import argument, flag, option, saving_options, seconds_option, verbosity_options
from bailian.cli.help.help_command import HelpGroup
from bailian.clock import current_clock
from bailian.config.settings import Settings
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.states import Status

if TYPE_CHECKING:
    from bailian.store.jobs import Journal
    from bailian.store.schema import JobRow


timeout_option = seconds_option(
    "--timeout timeout_s", "Wait at most so long [default: 1800].", "最长等待时间 [默认: 1800]。", default=1800
)


@click.group(
    cls=HelpGroup,
    examples=(
        ("list", "list"),
        ("wait --all", "wait --all"),
    ),
    help=tr("List, show, fetch, cancel and adopt tasks.", "列出、查看、取回、取消和接管任务。"),
)
def tasks() -> None:
    pass


@tasks.command(
    "list",
    examples=(
        ("--state held", "--state held"),
        ("--remote --limit 10", "--remote --limit 10"),
    ),
    help=tr("List the jobs of this machine, newest first.", "列出本机的任务，最新的在前。"),
)
@flag("--remote", "Ask the account: all its tasks of 24 hours.", "查询账号 24 小时内的全部任务。")
@option("--state states STATE", "Only this state (repeatable).", "只列出该状态（可重复）。", multiple=True)
@option("--limit N", "At most so many.", "最多条数。", type=click.IntRange(min=1), default=50, show_default=True)
@verbosity_options
@with_account
def list_(here: Settings, remote: bool, states: tuple[str, ...], limit: int, as_json: bool, **_talk: bool) -> None:
    from bailian.store.jobs import Journal

    here.require_key()
    with closing(Journal(here.journal)) as journal:
        if not remote:
            rows = [_brief(row, len(journal.files(row.id))) for row in journal.jobs(here.account, states, limit)]
            if not as_json:
                rows = _for_people(rows, journal, here.account)
        else:
            rows = _remote(here, journal)[:limit]
    _print_rows(rows, as_json, tr("no tasks", "没有任务"))


@tasks.command(
    "show",
    examples=(
        ("6b2f", "6b2f"),
        ("6b2f --sandbox", "6b2f --sandbox"),
    ),
    help=tr("Show everything known about one task.", "显示一个任务的全部信息。"),
)
@argument("task_id ID")
@verbosity_options
@with_account
def show(here: Settings, task_id: str, **_talk: bool) -> None:
    from bailian.batch.fetched import unknown_task
    from bailian.cli.output.terminal import print_data
    from bailian.store.ids.short_ids import find_job
    from bailian.store.jobs import Journal

    here.require_key()
    with closing(Journal(here.journal)) as journal:
        row = find_job(journal, here.account, task_id)
        if row is None:
            raise unknown_task(task_id)
        shown = {
            **_brief(row, 0),
            "job": row.id,
            "request_id": row.request_id,
            "request": row.request,
            "body": row.prepared.body or None,
            "files": [str(path) for path in journal.files(row.id).values()],
            "cost": {"currency": "CNY", "estimate": row.estimate_cny, "charged": row.charged_cny},
            "run_s": row.run_s,
            "answer": row.answer,
            "error": row.error and row.error.get("error"),
        }
    print_data(json.dumps(shown, ensure_ascii=False, indent=2))


@tasks.command(
    "wait",
    examples=(
        ("--all", "--all"),
        ("6b2f -o films/", "6b2f -o films/"),
    ),
    help=tr("Wait for tasks and save their files.", "等待任务完成并保存结果。"),
)
@argument("task_ids [ID]...", nargs=-1)
@flag("--all all_", "All that earlier runs left.", "以前遗留的全部任务。")
@option("-o --output DIR|FILE", "Another place than the one named at submit.", "保存到与提交时不同的位置。")
@timeout_option
@verbosity_options
@with_account
def wait(
    here: Settings,
    task_ids: tuple[str, ...],
    all_: bool,
    output: str | None,
    timeout_s: float,
    as_json: bool,
    quiet: bool,
    **_: bool,
) -> int:
    from bailian.cli.commands.fetch import fetch
    from bailian.errors import InvalidRequest

    if bool(task_ids) == all_:
        raise InvalidRequest.one(
            "",
            tr("name task ids, or --all", "请给出 task_id，或使用 --all"),
            advice=how_to().command("tasks wait --all"),
        )
    here.require_key()
    return fetch(here, task_ids, timeout_s=timeout_s, output=output, as_json=as_json, quiet=quiet)


@tasks.command(
    "cancel",
    examples=(
        ("6b2f", "6b2f"),
        ("6b2f --json", "6b2f --json"),
    ),
    help=tr("Cancel a task that is still PENDING.", "取消仍在排队（PENDING）的任务。"),
)
@argument("task_id ID")
@verbosity_options
@with_account
def cancel(here: Settings, task_id: str, as_json: bool, **_talk: bool) -> None:
    from bailian.cli.chosen_service import service
    from bailian.cli.output.terminal import print_err, print_json
    from bailian.errors import ServiceError, TaskFailed, journalled
    from bailian.service.client import Service
    from bailian.store.ids.short_ids import find_job
    from bailian.store.jobs import Journal
    from bailian.store.schema import JobEnd
    from bailian.store.states import FINAL_STATES

    here.require_key()
    with closing(Journal(here.journal)) as journal:
        known = find_job(journal, here.account, task_id)
    task_id = (known.task_id if known else None) or task_id
    with service(here, quiet=True) as there, closing(Service(there)) as asked:
        try:
            answer = asked.cancel(task_id)
        except ServiceError as error:
            if error.wire_code == "UnsupportedOperation":
                error.advice = tr(
                    "only a task that is still PENDING can be canceled", "只有排队中（PENDING）的任务可以取消"
                )
            raise
    with closing(Journal(here.journal)) as journal:
        row = journal.find(here.account, task_id)
        if row is not None and row.state not in FINAL_STATES:
            ended = TaskFailed(
                tr("the task was canceled", "任务已取消"), advice="", wire_code="CANCELED", task_id=task_id
            )
            journal.finish([JobEnd(row.id, Status.FAILED, journalled(ended))])
    if as_json:
        print_json({"request_id": answer.get("request_id"), "output": {"task_id": task_id, "task_status": "CANCELED"}})
    else:
        print_err(tr(f"canceled {task_id}; it costs nothing", f"已取消 {task_id}，不产生费用"))


@tasks.command(
    "adopt",
    examples=(
        ("TASK_ID -o films/", "TASK_ID -o films/"),
        ("TASK_ID --job 6b2f", "TASK_ID --job 6b2f"),
    ),
    help=tr(
        "Take a task made elsewhere with this account; save its files.", "接管用同一账号在别处创建的任务并保存结果。"
    ),
)
@argument("task_id ID")
@option(
    "--job claimant_id ID",
    "The job of this machine that has lost it; new: none.",
    "丢失了该任务的本机任务；new：都不是。",
)
@timeout_option
@saving_options
@verbosity_options
@with_account
def adopt(
    here: Settings,
    task_id: str,
    claimant_id: str | None,
    timeout_s: float,
    output: str | None,
    name: str | None,
    sidecar: bool,
    as_json: bool,
    quiet: bool,
    **_: bool,
) -> int:
    from bailian.cli.commands.fetch import adopt_task

    here.require_key()
    return adopt_task(
        here,
        task_id,
        output,
        name,
        sidecar,
        claimant_id=claimant_id,
        timeout_s=timeout_s,
        as_json=as_json,
        quiet=quiet,
    )


def _remote(here: Settings, journal: Journal) -> list[dict[str, Any]]:
    from bailian.cli.chosen_service import service
    from bailian.service.client import Service
    from bailian.store.pace.limits import SharedLimits

    with (
        service(here, quiet=True) as there,
        closing(Service(there)) as asked,
        closing(SharedLimits(here.journal)) as limits,
    ):
        listed = asked.list_tasks(turn=limits.rates.query_turn(here.account, current_clock().sleep)).rows
    ours = journal.known_tasks([task.task_id for task in listed])
    return [
        {
            "task_id": task.task_id,
            "status": task.status,
            "model": task.model,
            "created": _clock(task.created_at_s),
            "ours": task.task_id in ours,
        }
        for task in listed
    ]


def _brief(row: JobRow, files: int) -> dict[str, Any]:
    from bailian.files.naming import about

    error = (row.error or {}).get("error", {})
    return {
        "task_id": row.task_id or row.id,
        "state": row.state,
        "model": row.model,
        "created": _clock(row.created_at_s),
        "files": files,
        "prompt": about(row.request)[:40],
        "error": error.get("wire_code") or error.get("code"),
    }


def _for_people(rows: list[dict[str, Any]], journal: Journal, account: str) -> list[dict[str, Any]]:
    """Return the rows with ids as short as they can be; a program that reads the lines gets whole ones."""
    from bailian.cli.output.terminal import is_terminal
    from bailian.store.ids.short_ids import short_ids

    if not is_terminal(sys.stdout):
        return rows
    short = short_ids(journal, account, [row["task_id"] for row in rows])
    return [{**row, "task_id": short[row["task_id"]], "created": (row["created"] or "")[5:16]} for row in rows]


def _clock(epoch_s: float | None) -> str | None:
    return None if epoch_s is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(epoch_s))


def _print_rows(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import print_err, print_json

    if as_json:
        print_json({"tasks": rows})
    elif rows:
        print_table(rows, keep=("task_id", "state", "status", "prompt"), gives_way="prompt")
    else:
        print_err(empty)
