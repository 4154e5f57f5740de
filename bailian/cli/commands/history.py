"""`bailian history` and `bailian gallery`: what was asked for and made, under every key and in the sandbox, without a key."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bailian.catalog.model import KINDS
from bailian.cli.args.options import Decorator, argument, flag, json_option, option, together
from bailian.cli.args.times import SINCE
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.text.storage_path import ResultPath

if TYPE_CHECKING:
    from bailian.history.entries import Entry

SHOWN = 20
FOR_A_PAGE = 2000


def question_options(shown: str, shown_chinese: str) -> Decorator:
    """What is looked for, as `history` and `gallery` ask it; `shown` is how many there are without `--limit`."""
    kinds = click.Choice(KINDS)
    return together(
        argument("text [TEXT]", required=False, default=""),
        option("--since since_s TIME", "7d, 12h, 2w, or 2026-11-01.", "7d、12h、2w 或 2026-11-01。", type=SINCE),
        option("--kind KIND", f"Only this kind: {', '.join(KINDS)}.", f"只列出该类：{'、'.join(KINDS)}。", type=kinds),
        option("-m --model NAME", "Only this model.", "只列出该模型。"),
        flag("--failed", "Only what failed, is held or was not sent.", "只列出失败、挂起或未发送的。"),
        option(
            "--limit N",
            f"At most so many [default: {shown}].",
            f"最多条数 [默认: {shown_chinese}]。",
            type=click.IntRange(min=1),
        ),
    )


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
@question_options(f"{SHOWN}; of a page {FOR_A_PAGE}", f"{SHOWN}；网页为 {FOR_A_PAGE}")
@option(
    "--html folder DIR",
    "Write a page with thumbnails into this folder.",
    "在该目录写一个带缩略图的网页。",
)
@json_option
def history(limit: int | None, folder: str | None, as_json: bool, **question: Any) -> None:
    from bailian.cli.output.terminal import print_data, print_json
    from bailian.files.outputs import result_path

    most = limit or (FOR_A_PAGE if folder is not None else SHOWN)
    found = _found(most, question)
    if folder is not None and found:
        print_data(str(_page(result_path(folder), found)))
    elif as_json:
        print_json({"history": [_json(entry) for entry in found]})
    elif found:
        _print(found)
    else:
        _print_nothing()
    if not as_json:
        _print_limit(found, most)


@click.command(
    cls=HelpCommand,
    examples=(
        ("--since 7d --open", "--since 7d --open"),
        ("cat --kind video -o films/", "猫 --kind video -o films/"),
    ),
    help=tr(
        "Write a page of what was made, single requests and batches: inputs beside results, films, sounds, two side by side, "
        "picks as a list. It opens from the disk and loads nothing. TEXT and options choose as in `bailian history`.",
        "把做过的请求（单个与批量）写成一个网页：输入与结果并排，视频、音频，两两对比，选中后导出清单。"
        "网页直接从磁盘打开，不联网。文本与选项的含义同 `bailian history`。",
    ),
)
@question_options(str(FOR_A_PAGE), str(FOR_A_PAGE))
@option(
    "-o --output folder DIR",
    "Where the page goes [default: gallery/ in the folder of results].",
    "网页所在目录 [默认: 结果目录下的 gallery/]。",
)
@flag("--open opens", "Show it in the browser.", "在浏览器中打开。")
def gallery(limit: int | None, folder: str | None, opens: bool, **question: Any) -> None:
    from bailian.cli.output.opening import open_files
    from bailian.cli.output.report import shown_path
    from bailian.cli.output.terminal import print_data
    from bailian.files.outputs import result_path

    most = limit or FOR_A_PAGE
    given = None if folder is None else result_path(folder)
    _check_folder(given)
    found = _found(most, question)
    if not found:
        _print_nothing()
        return
    page = _page(given or _default_folder(), found)
    print_data(shown_path(page))
    _print_limit(found, most)
    if opens:
        open_files([page])


def _check_folder(folder: ResultPath | None) -> None:
    """Refuse the name of a page: it would become a folder of that name.

    Raises:
        InvalidRequest: it is one.
    """
    from bailian.errors import InvalidRequest
    from bailian.store.paths import leads_to_file, leads_to_folder

    if folder is None or (isinstance(folder, Path) and leads_to_folder(folder)):
        return
    if isinstance(folder, Path) and leads_to_file(folder):
        text = tr(f"{folder} is a file", f"{folder} 是文件")
        raise InvalidRequest.one("output", text, advice=tr("name a folder: -o DIR", "请指定目录：-o DIR"))
    if folder.suffix.lower() in (".html", ".htm"):
        raise InvalidRequest.one(
            "output",
            tr("-o names a folder; the page in it is gallery.html", "-o 指定目录；其中的网页名为 gallery.html"),
            advice=f"-o {str(folder.with_suffix('')).replace(os.sep, '/')}/",
        )


def _default_folder() -> ResultPath:
    from bailian.cli.args.target import default_folder
    from bailian.config.settings import read_settings

    return default_folder(read_settings().defaults.folder) / "gallery"


def _found(most: int, question: Mapping[str, Any]) -> list[Entry]:
    from bailian.config.settings import journal_place
    from bailian.history.entries import Question, entries

    return entries(journal_place(), Question(**question), most)


def _print_nothing() -> None:
    from bailian.cli.output.terminal import print_err

    print_err(tr("nothing found", "没有找到"))


def _print_limit(found: list[Entry], most: int) -> None:
    from bailian.cli.output.terminal import print_err

    if len(found) == most:
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


def _page(folder: ResultPath, found: list[Entry]) -> ResultPath:
    from bailian.batch.output.gallery import write_gallery
    from bailian.batch.output.own_folder import written_aside

    with written_aside(folder) as here:
        page = write_gallery(here, map(_record, found), title=tr("History", "历史记录"), place=folder)
    return folder / page.name


def _record(entry: Entry) -> dict[str, Any]:
    """Return what the page shows of a job."""
    from bailian.batch.output.records import record

    return {**record(entry.row, [str(path) for path in entry.files]), "sandbox": entry.sandbox}
