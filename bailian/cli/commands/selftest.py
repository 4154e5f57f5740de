"""`bailian selftest`: is the service as this toolkit expects it?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import flag, not_nan, option, verbosity_options
from bailian.cli.help.help_command import HelpCommand
from bailian.config.settings import Settings, home_folder
from bailian.errors import Exit
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.selftest.check import Report
    from bailian.selftest.compared import Finding


@click.command(
    cls=HelpCommand,
    examples=(
        ("--max-cost 0.5", "--max-cost 0.5"),
        ("--max-cost 0.5 --update", "--max-cost 0.5 --update"),
        ("--sandbox --max-cost 5 -v", "--sandbox --max-cost 5 -v"),
    ),
    help=tr(
        "Ask the service whether it is as docs/wire.md says: first what is free, then the cheapest request of each kind "
        "within --max-cost. The report has no secrets; attach it to an issue.",
        "检查服务是否与 docs/wire.md 的描述一致：先做免费的检查，再在 --max-cost 之内对每类模型发出最便宜的请求。报告不含密钥，可附在 issue 中。",
    ),
)
@option(
    "--max-cost limit_cny CNY",
    "What it may spend; 0: only what is free for certain.",
    "最多可花的金额；0 表示只做确定免费的检查。",
    type=click.FloatRange(min=0),
    callback=not_nan,
    default=0.0,
    show_default=True,
)
@flag("--update", "Write found dates and limits into models.toml.", "将发现的日期与限制写入 models.toml。")
@option("-o --output DIR", "Where files go [default: outputs/selftest].", "结果保存目录 [默认: outputs/selftest]。")
@verbosity_options
@with_account
def selftest(
    here: Settings, limit_cny: float, update: bool, output: str | None, as_json: bool, quiet: bool, verbose: bool
) -> int:
    from bailian.catalog import load
    from bailian.cli.args.target import local_folder_of
    from bailian.cli.chosen_service import engine_at
    from bailian.cli.output.terminal import print_data, print_json
    from bailian.engine.context import NoProgress
    from bailian.selftest.check import run

    here.require_key()
    folder = Path("outputs/selftest") if output is None else local_folder_of(output)
    shown = not quiet and not as_json
    with engine_at(here, load(home_folder()), NoProgress(), quiet=not shown) as engine:
        report = run(engine, limit_cny, folder, lambda finding: _tell(finding, shown=shown, verbose=verbose))
    if as_json:
        print_json(report.to_json())
    else:
        path = folder / "report.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report.to_json(), ensure_ascii=False, indent=2), encoding="utf-8")
        print_data(str(path))
    if update:
        _update(report)
    _sum_up(report, shown=shown, updated=update)
    return _exit_code(report)


def _tell(finding: Finding, *, shown: bool, verbose: bool) -> None:
    """Say what differs as it is found; with --verbose, everything."""
    from bailian.cli.output.terminal import print_err

    if not shown or (finding.state in ("same", "skipped") and not verbose):
        return
    states = {
        "same": tr("same", "一致"),
        "differs": tr("differs", "不同"),
        "skipped": tr("skipped", "跳过"),
        "unanswered": tr("no answer", "无应答"),
    }
    subject = f" {finding.subject}" if finding.subject else ""
    print_err(f"{states[finding.state]}: {finding.id}{subject} {finding.note}".rstrip())
    for name, wanted in finding.expected.items():
        found = finding.found.get(name)
        print_err(tr(f"  {name}: expected {wanted}, found {found}", f"  {name}：预期 {wanted}，实际 {found}"))
    for name, found in finding.found.items():
        if name not in finding.expected:
            print_err(tr(f"  {name}: {found}", f"  {name}：{found}"))


def _update(report: Report) -> None:
    from bailian.catalog import load
    from bailian.cli.output.terminal import print_err
    from bailian.selftest.found_limits import FILE, found_of, write_found

    home = home_folder()
    written, left = write_found(found_of(report.findings), home, load(home).today)
    path = home / FILE
    if written:
        names = ", ".join(written)
        print_err(tr(f"written into {path}: {names}", f"已写入 {path}：{names}"))
    if left:
        names = ", ".join(left)
        print_err(tr(f"{path} has tables of its own for {names}: they stay", f"{path} 中已有 {names} 的表，未改动"))
    if not written and not left:
        print_err(tr("nothing was found to write", "没有需要写入的内容"))


def _sum_up(report: Report, *, shown: bool, updated: bool) -> None:
    from bailian.cli.output.terminal import print_err

    if not shown:
        return
    counts = report.counts
    cost = f"{report.spent_cny:g}" + (tr(" (sandbox: not paid)", "（沙箱：不计费）") if report.sandbox else "")
    print_err(
        tr(
            f"{counts['same']} as expected, {counts['differs']} differ, {counts['skipped']} skipped, "
            f"{counts['unanswered']} without an answer; {cost} CNY",
            f"{counts['same']} 项一致，{counts['differs']} 项不同，{counts['skipped']} 项跳过，"
            f"{counts['unanswered']} 项无应答；{cost} 元",
        )
    )
    if not updated and any(one.update for one in report.findings):
        command = how_to().command("selftest", "--update")
        print_err(tr(f"to keep found limits: {command}", f"保存发现的限制：{command}"))


def _exit_code(report: Report) -> int:
    if report.counts["differs"]:
        return Exit.SOME_FAILED
    return Exit.TRY_AGAIN if report.counts["unanswered"] else Exit.OK
