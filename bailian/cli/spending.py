"""Before money is spent: a question to who sits at a terminal, if it is more than the user's limit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bailian.cli.output.question import confirmed
from bailian.cli.output.terminal import is_terminal, money, print_err
from bailian.errors import Exit
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.cli.args.options import SharedOptions
    from bailian.config.settings import Settings


def is_asked(cost_cny: float | None, common: SharedOptions, here: Settings) -> bool:
    """Return whether a person is there to be asked, and has to be. A sandbox is never paid."""
    limit_cny = here.ask_above_cny
    if common.yes or here.sandbox or limit_cny is None or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    return limit_cny == 0 or (cost_cny is not None and cost_cny > limit_cny)


def ask(cost_cny: float | None, what: str) -> None:
    """Ask whether to send (`what`: "it", "them"); return if the answer is yes.

    Raises:
        click.exceptions.Exit: no, nothing, or Ctrl-C: nothing was sent.
    """
    cost = tr("the cost is not known", "费用未知")
    if cost_cny is not None:
        cost = tr(f"at most {money(cost_cny)} CNY", f"最多 {money(cost_cny)} 元")
    if not confirmed(tr(f"{cost}: send {what}?", f"{cost}：是否发送？")):
        print_err(tr("nothing was sent", "未发送任何请求"))
        raise click.exceptions.Exit(Exit.INTERRUPTED)


def duration(time_s: float) -> str:
    """Return a time as people say it, in two units at most."""
    whole_s = max(1, round(time_s))
    hours, minutes, seconds = whole_s // 3600, whole_s // 60 % 60, whole_s % 60
    if hours:
        return tr(f"{hours} h {minutes} min", f"{hours} 小时 {minutes} 分")
    if minutes:
        rest = tr(f" {seconds} s", f" {seconds} 秒") if seconds else ""
        return tr(f"{minutes} min", f"{minutes} 分") + rest
    return tr(f"{seconds} s", f"{seconds} 秒")
