"""`bailian history`: what was asked for and made, under every key and in the sandbox. No key is needed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bailian.catalog.model import KINDS
from bailian.cli.args.options import argument, flag, json_option, option
from bailian.cli.args.times import SINCE
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.history.entries import Entry

SHOWN = 20
FOR_A_PAGE = 2000


@click.command(
    cls=HelpCommand,
    examples=(
        ("cat --since 7d", "猫 --since 7d"),
        ("--kind video --html films/", "--kind video --html films/"),
    ),
    help=tr(
        "List what was made, newest first; with TEXT what has these words in its prompt, its files' names or its model. "
        "Words are found by their beginnings, Chinese ones anywhere.",
        "列出做过的请求，最新的在前；给出文本时只列出提示词、文件名或模型中含这些词的。"
        "西文按词首查找，中文可在句中任意位置。",
    ),
)
@argument("text [TEXT]", required=False, default="")
@option("--since since_s TIME", "7d, 12h, 2w, or 2026-11-01.", "7d、12h、2w 或 2026-11-01。", type=SINCE)
@option(
    "--kind KIND", f"Only this kind: {', '.join(KINDS)}.", f"只列出该类：{'、'.join(KINDS)}。", type=click.Choice(KINDS)
)
@option("-m --model NAME", "Only this model.", "只列出该模型。")
@flag("--failed", "Only what failed, is held or was not sent.", "只列出失败、挂起或未发送的。")
@option(
    "--limit N",
    f"At most so many [default: {SHOWN}; of a page {FOR_A_PAGE}].",
    f"最多条数 [默认: {SHOWN}；网页为 {FOR_A_PAGE}]。",
    type=click.IntRange(min=1),
)
@option(
    "--html folder DIR",
    "Write a page with thumbnails into this folder.",
    "在该目录写一个带缩略图的网页。",
    type=click.Path(path_type=Path),
)
@json_option
def history(
    text: str,
    since_s: float | None,
    kind: str | None,
    model: str | None,
    failed: bool,
    limit: int | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    from bailian.cli.output.terminal import print_data, print_err, print_json
    from bailian.config.home import home_folder
    from bailian.history.entries import Question, entries

    question = Question(text, since_s, kind, model, failed)
    most = limit or (FOR_A_PAGE if folder is not None else SHOWN)
    found = entries(home_folder(), question, most)
    if folder is not None and found:
        print_data(str(_page(folder, found)))
    elif as_json:
        print_json({"history": [_json(entry) for entry in found]})
    elif found:
        _print(found)
    else:
        print_err(tr("nothing found", "没有找到"))
    if len(found) == most and not as_json:
        print_err(tr(f"the newest {most}; --limit shows more", f"仅最新 {most} 条；--limit 显示更多"))


def _print(found: list[Entry]) -> None:
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import is_terminal

    people = is_terminal(sys.stdout)
    rows = [_row(entry, people=people) for entry in found]
    print_table(rows, keep=("id", "created", "cny", "prompt"), gives_way="prompt")


def _row(entry: Entry, *, people: bool) -> dict[str, Any]:
    row = entry.row
    files = [path.name for path in entry.files] if people else [str(path) for path in entry.files]
    return {
        "id": row.id[:12] if people else row.id,
        "created": time.strftime("%m-%d %H:%M" if people else "%Y-%m-%d %H:%M:%S", time.localtime(row.created_at_s)),
        "cny": _cost(entry),
        "prompt": " ".join(entry.shown.split())[:200],
        "model": row.model,
        "state": None if people and row.state == "done" else str(row.state),
        "file": " ".join(files) if not people else _first(files),
    }


def _first(files: list[str]) -> str | None:
    if len(files) < 2:
        return files[0] if files else None
    return f"{files[0]} +{len(files) - 1}"


def _cost(entry: Entry) -> str:
    from bailian.cli.output.terminal import money

    if entry.sandbox:
        return tr("sandbox", "沙箱")
    return "" if entry.row.charged_cny is None else money(entry.row.charged_cny)


def _json(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "id": row.id,
        "task_id": row.task_id,
        "created_at_s": row.created_at_s,
        "kind": row.kind,
        "model": row.model,
        "state": row.state,
        "prompt": entry.shown,
        "request": row.request,
        "files": [str(path) for path in entry.files],
        "cost_cny": row.charged_cny,
        "sandbox": entry.sandbox,
        "run": row.run,
        "error": (row.error or {}).get("error"),
        "again": how_to().command("again", row.id),
    }


def _page(folder: Path, found: list[Entry]) -> Path:
    from bailian.batch.output.gallery import write_gallery

    return write_gallery(folder.expanduser(), map(_record, found), title=tr("History", "历史记录"))


def _record(entry: Entry) -> dict[str, Any]:
    """Return what the page shows of a job. The sandbox's money is none."""
    from bailian.batch.output.records import record

    made = record(entry.row, [str(path) for path in entry.files])
    return {**made, "label": tr("sandbox", "沙箱"), "cost_cny": None} if entry.sandbox else made
