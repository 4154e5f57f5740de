"""`bailian mcp`: the toolkit as tools of an agent."""

from __future__ import annotations

import os
from secrets import token_urlsafe

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import flag, not_nan, option
from bailian.cli.help.help_command import HelpCommand
from bailian.config.settings import Settings
from bailian.errors import Exit, InvalidRequest, SetupError
from bailian.i18n import tr
from bailian.instructions import how_to, spoken_by

TOKEN = "BAILIAN_MCP_TOKEN"  # noqa: S105 - the variable's name


@click.command(
    cls=HelpCommand,
    examples=(
        ("--budget 5", "--budget 5"),
        ("--budget 5 --http 8766", "--budget 5 --http 8766"),
        ("--budget 5 --sandbox", "--budget 5 --sandbox"),
    ),
    help=tr(
        "Serve the toolkit as tools of an agent (MCP), over stdin and stdout, or with --http on this machine. A budget is "
        "required: it is what may be spent in a day.",
        "以 MCP 工具的形式供智能体使用，经由 stdin 与 stdout，或用 --http 在本机提供。必须给出预算，即每天最多可花的金额。",
    ),
)
@option(
    "--budget budget_cny CNY",
    "What all calls of a day may cost, over restarts.",
    "一天内全部调用的费用上限（重启不重置）。",
    type=click.FloatRange(min=0),
    callback=not_nan,
)
@option("-o --output DIR", "Where results are saved [default: outputs].", "结果保存目录 [默认: outputs]。")
@option(
    "--http port PORT",
    f"Listen on this port of this machine (0: a free one); {TOKEN} is the token, else one is made.",
    f"在本机该端口提供 HTTP（0 表示任意空闲端口）；令牌取自 {TOKEN}，未设置时自动生成。",
    type=click.IntRange(0, 65535),
)
@flag("-q --quiet", "Say nothing but errors.", "只输出错误。")
@with_account
def mcp(here: Settings, budget_cny: float | None, output: str | None, port: int | None, quiet: bool) -> int:
    if budget_cny is None:
        command = how_to().command("mcp", "--budget 5")
        raise InvalidRequest.one(
            "budget",
            tr("an agent spends money: say how much in a day", "智能体会产生费用：请给出每天的上限"),
            advice=tr(f"for 5 CNY a day: {command}", f"例如每天 5 元：{command}"),
        )
    here.require_key()
    try:
        from bailian.agents import server
    except ImportError:
        raise SetupError(
            tr("the extra [mcp] is not installed", "未安装可选部分 [mcp]"), advice=how_to().with_extra("mcp")
        ) from None
    from bailian.agents.calls import Toolbox, ToolWords
    from bailian.api.places import running_service
    from bailian.cli.args.target import default_folder, folder_of
    from bailian.cli.output.terminal import print_err

    folder = folder_of(output) if output is not None else default_folder(here.defaults.folder)
    with running_service(here) as there, spoken_by(ToolWords):
        toolbox = Toolbox(there, budget_cny, folder.absolute())
        if port is None:
            server.serve_stdio(toolbox)
            return Exit.OK
        token = os.environ.get(TOKEN) or token_urlsafe(24)

        def ready(url: str) -> None:
            shown = "" if TOKEN in os.environ else tr(f"; token: {token}", f"；令牌：{token}")
            print_err(tr(f"agents: {url}{shown}", f"智能体接口：{url}{shown}"))

        try:
            server.serve_http(toolbox, port, token, ready)
        except OSError as error:
            raise SetupError(str(error), advice=tr("choose another port", "请换一个端口")) from None
    return Exit.OK
