"""The options that all scripts share, as one decorator. Help texts only: nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import click

from bailian.i18n import tr

DEFAULT_OUTPUT = "outputs"


@dataclass(frozen=True, kw_only=True)
class SharedOptions:
    """The shared options of one run, as given."""

    output: str | None
    """As it was typed: whether it ends with a slash matters."""
    name: str | None
    config: Path | None
    dry_run: bool
    as_json: bool
    quiet: bool
    verbose: bool
    wait: bool
    timeout_s: float
    max_cost_cny: float | None
    strict: bool
    use_successor: bool
    sandbox: bool
    region: str | None
    base_url: str | None
    workspace: str | None
    sidecar: bool
    config_folder: Path | None = None
    """Where the paths in a config begin that came through a pipe; None: in its own folder."""

    @property
    def config_paths(self) -> Path:
        """Return where the relative paths in the config begin."""
        return self.config_folder or (self.config or Path()).absolute().parent


class WholeNumber(click.ParamType[int]):
    """An integer whose refusal is in the user's language."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = float(str(value)) if str(value).endswith(".0") else int(str(value))
            return int(number)
        except ValueError:
            self.fail(tr(f"{value!r} is not a whole number", f"{value!r} 不是整数"), param, ctx)


WHOLE_NUMBER = WholeNumber()


def not_nan(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and value != value:
        raise click.BadParameter(tr("is not a number", "不是数字"), ctx, param)
    return value


Decorated = Callable[..., Any]


def output_option(metavar: str, text: str) -> Callable[[Decorated], Decorated]:
    return click.option("-o", "--output", metavar=metavar, help=text)


def naming_options(function: Decorated) -> Decorated:
    """What files are called, and what is written beside them."""
    for option in (
        click.option(
            "--sidecar",
            is_flag=True,
            help=tr("Write NAME.json beside each file.", "为每个文件写一份同名 .json 说明。"),
        ),
        click.option(
            "--name",
            metavar="TEMPLATE",
            help=tr(
                "File name: {date} {time} {model} {prompt} {seed} {n} {task_id} {index}.",
                "文件名模板：{date} {time} {model} {prompt} {seed} {n} {task_id} {index}。",
            ),
        ),
    ):
        function = option(function)
    return function


def saving_options(function: Decorated) -> Decorated:
    """Where many results go: a folder."""
    folder = output_option("DIR", tr("Folder for the files [default: outputs/].", "保存文件的目录 [默认: outputs/]。"))
    return folder(naming_options(function))


def text_saving_options(function: Decorated) -> Decorated:
    """Where a text goes: stdout, or a file."""
    file = output_option("FILE", tr("Write the text to FILE, not to stdout.", "把文本写入 FILE，而不是 stdout。"))
    return file(naming_options(function))


def file_saving_options(function: Decorated) -> Decorated:
    """Where the file of one request goes: into a folder, under a name, or to stdout."""
    anywhere = output_option(
        "DIR|FILE|-",
        tr("Folder, file or stdout (-) [default: outputs/].", "目录、文件或 stdout（-）[默认: outputs/]。"),
    )
    return anywhere(naming_options(function))


def account_options(function: Decorated) -> Decorated:
    """Which service, and as whom. No option takes a key: it would show in `ps`."""
    for option in (
        click.option("--workspace", metavar="ID", help=tr("Workspace (业务空间) id.", "业务空间 ID。")),
        click.option(
            "--base-url", metavar="URL", help=tr("Another host, with /api/v1.", "其他服务地址（含 /api/v1）。")
        ),
        click.option(
            "--region", metavar="REGION", help=tr("beijing (default), singapore, …", "beijing（默认）、singapore 等。")
        ),
        click.option(
            "--sandbox",
            is_flag=True,
            envvar="BAILIAN_SANDBOX",
            help=tr("Try it: a local sandbox, no key, no cost.", "试用：本地沙箱，无需密钥，不产生费用。"),
        ),
    ):
        function = option(function)
    return function


def verbosity_options(function: Decorated) -> Decorated:
    """How much is said, and in which form."""
    for option in (
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            help=tr("Say each change of status on stderr.", "在 stderr 输出每次状态变化。"),
        ),
        click.option("-q", "--quiet", is_flag=True, help=tr("Only errors on stderr.", "stderr 只输出错误。")),
        click.option(
            "--json", "as_json", is_flag=True, help=tr("One JSON object on stdout.", "在 stdout 输出一个 JSON 对象。")
        ),
    ):
        function = option(function)
    return function


def running_options(function: Decorated) -> Decorated:
    """How the request is run."""
    for option in (
        click.option(
            "--strict",
            is_flag=True,
            help=tr("Refuse what would be adapted with a note.", "凡需调整（有提示）的请求一律拒绝。"),
        ),
        click.option(
            "--use-successor",
            is_flag=True,
            help=tr("Send a retired model's successor instead.", "模型已下线时改用其后继模型。"),
        ),
        click.option(
            "--max-cost",
            "max_cost_cny",
            type=click.FloatRange(min=0),
            callback=not_nan,
            metavar="CNY",
            help=tr("Refuse to spend more than this.", "费用超过此金额则拒绝。"),
        ),
        click.option(
            "--timeout",
            "timeout_s",
            type=click.FloatRange(min=0, min_open=True),
            callback=not_nan,
            default=1800,
            metavar="SECONDS",
            help=tr(
                "Wait at most so long; the task goes on [default: 1800].",
                "最长等待时间，超过后任务继续在服务端运行 [默认: 1800]。",
            ),
        ),
        click.option(
            "--wait/--no-wait",
            default=True,
            help=tr("--no-wait prints the task id and leaves.", "--no-wait 只提交任务并输出 task_id。"),
        ),
        click.option(
            "--dry-run",
            is_flag=True,
            help=tr("Show the request and its cost; send nothing.", "只显示请求与费用，不发送。"),
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=tr("Read the request from a JSON file; flags win.", "从 JSON 文件读取请求；命令行参数优先。"),
        ),
    ):
        function = option(function)
    return function


def shared_options(function: Decorated) -> Decorated:
    """All shared options; the function gets them as `common` and its own as keywords."""
    return _with_shared(function, file_saving_options)


def folder_options(function: Decorated) -> Decorated:
    """The same of a command whose results need a folder."""
    return _with_shared(function, saving_options)


def text_options(function: Decorated) -> Decorated:
    """All shared options of a script whose result is a text."""
    return _with_shared(function, text_saving_options)


def _with_shared(function: Decorated, saving: Callable[[Decorated], Decorated]) -> Decorated:
    def with_common(**values: Any) -> Any:
        common, own = split(values)
        return function(common, **own)

    with_common.__name__ = function.__name__
    with_common.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    return running_options(saving(verbosity_options(account_options(with_common))))


def split(values: Mapping[str, Any]) -> tuple[SharedOptions, dict[str, Any]]:
    """Return the shared options, and what is left."""
    names = {field.name for field in fields(SharedOptions)} - {"config_folder"}
    own = {name: value for name, value in values.items() if name not in names}
    common = SharedOptions(**{name: values[name] for name in names})
    return with_lasting_config(common) if common.config else common, own


def with_lasting_config(common: SharedOptions) -> SharedOptions:
    """Read a config that comes through a pipe (`-`, `<(…)`, /dev/stdin) once, and keep it."""
    from bailian.inputs.once import lasting_text

    path, piped = lasting_text("config", common.config or Path())
    return replace(common, config=path, config_folder=Path.cwd() if piped else None)
