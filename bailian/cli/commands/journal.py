"""`bailian journal`: where the journal is, and how it goes to a server that several machines share, or back."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import json_option
from bailian.cli.help.help_command import HelpGroup
from bailian.config.settings import Settings
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.store.jobs import Journal


@click.group(
    cls=HelpGroup,
    examples=(
        ("copy postgresql://studio@db/bailian", "copy postgresql://studio@db/bailian"),
        ("copy postgresql://studio@db/bailian --back", "copy postgresql://studio@db/bailian --back"),
    ),
    help=tr("The journal, for one machine or several.", "日志：单机或多机共享。"),
)
def journal() -> None:
    pass


@journal.command(
    "copy",
    examples=(
        ("postgresql://studio@db/bailian", "postgresql://studio@db/bailian"),
        ("postgresql://studio@db/bailian --back", "postgresql://studio@db/bailian --back"),
    ),
    help=tr(
        "Copy this machine's journal to a PostgreSQL server, or back. Nothing may be under way.",
        "把本机的日志复制到 PostgreSQL 服务器，或复制回来。不能有进行中的任务。",
    ),
)
@click.argument("url", metavar="URL")
@click.option(
    "--back", is_flag=True, help=tr("From the server into this machine's home.", "从服务器复制到本机主目录。")
)
@json_option
@with_account
def copy(here: Settings, url: str, back: bool, as_json: bool) -> None:
    from bailian.cli.output.terminal import print_err, print_json
    from bailian.store.backends.journal_place import JournalPlace
    from bailian.store.copying import copy_journal
    from bailian.store.jobs import Journal

    home, server = JournalPlace(here.home), JournalPlace(here.home, _checked(url))
    source, target = (server, home) if back else (home, server)
    with closing(Journal(source)) as one, closing(Journal(target)) as other:
        _refuse_open(one)
        copied = copy_journal(one, other)
    if as_json:
        print_json({"from": source.title, "to": target.title, "jobs": copied.jobs, "known": copied.known})
        return
    known = tr(f"; {copied.known} were there already", f"；{copied.known} 个此前已存在") if copied.known else ""
    print_err(
        tr(
            f"{copied.jobs} jobs copied from {source.title} to {target.title}{known}",
            f"已将 {copied.jobs} 个任务从 {source.title} 复制到 {target.title}{known}",
        )
    )
    if back:
        print_err(
            tr(
                "to use it: unset BAILIAN_JOURNAL, or export BAILIAN_JOURNAL=sqlite",
                "使用方法：unset BAILIAN_JOURNAL，或 export BAILIAN_JOURNAL=sqlite",
            )
        )
    else:
        print_err(
            tr(
                f"to use it, on each machine: export BAILIAN_JOURNAL={target.title}",
                f"在每台机器上使用：export BAILIAN_JOURNAL={target.title}",
            )
        )


def _checked(url: str) -> str:
    from bailian.config.settings_file import OWN_JOURNAL, journal_url
    from bailian.errors import InvalidRequest

    if journal_url(url) is not None or url == OWN_JOURNAL:
        text = tr(
            "URL is not postgresql://USER@HOST/DATABASE; an @ in a password is written %40",
            "URL 应为 postgresql://用户@主机/数据库；密码中的 @ 写作 %40",
        )
        raise InvalidRequest.one("url", text, advice=how_to().command("journal copy postgresql://studio@db/bailian"))
    return url


def _refuse_open(one: Journal) -> None:
    from bailian.errors import InvalidRequest
    from bailian.store.copying import open_jobs

    found = open_jobs(one)
    if not found:
        return
    what = ", ".join(f"{row.jobs} {row.state}" for row in found)
    raise InvalidRequest.one(
        "journal",
        tr(
            f"not all is over here: {what}; two places would go on with it",
            f"尚有未结束的任务：{what}；复制后两处都会继续处理它们",
        ),
        advice=tr(
            f"{how_to().command('tasks wait --all')}; a batch: run it again to its end",
            f"{how_to().command('tasks wait --all')}；批次请再次运行至结束",
        ),
    )
