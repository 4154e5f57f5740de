"""The options that all scripts share, as one decorator. Help texts only: nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.args.metavars import in_language
from bailian.cli.args.rows_options import NO_ROWS, RowsOptions
from bailian.cli.help.groups import BEFORE, RESULT, ROWS, WHERE, OptionGroup
from bailian.cli.help.help_command import HELP_WORDS, CompletedArgument, GroupedOption
from bailian.i18n import tr

DEFAULT_OUTPUT = "outputs"
CONTEXT = {"help_option_names": HELP_WORDS}
"""What click is told of each command."""


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
    profile: str | None
    rows: RowsOptions = NO_ROWS
    yes: bool = False
    """Nobody has to be asked before money is spent."""
    preview: bool = False
    opens: bool = False
    config_folder: Path | None = None
    """Where the paths in a config begin that came through a pipe; None: in its own folder."""

    @property
    def config_paths(self) -> Path:
        """Return where the relative paths in the config begin."""
        return self.config_folder or (self.config or Path()).absolute().parent


if TYPE_CHECKING:
    _Whole = click.ParamType[int]
else:  # generic since click 8.4
    _Whole = click.ParamType


class WholeNumber(_Whole):
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
Decorator = Callable[[Decorated], Decorated]


def option(words: str, english: str, chinese: str, **how: Any) -> Decorator:
    """An option as help shows it: `--seed N`, `-o --output DIR`; `--max-cost max_cost_cny CNY` gives it another name.

    Its help stands in both languages; `how` is click's.
    """
    names = [word for word in words.split() if word.startswith("-") or (word.isidentifier() and word.islower())]
    metavar = [word for word in words.split() if word not in names]
    if metavar:
        how["metavar"] = in_language(metavar[0])
    return click.option(*names, cls=GroupedOption, help=tr(english, chinese), **how)


def argument(words: str, **how: Any) -> Decorator:
    """An argument as the usage shows it: `prompt [PROMPT]`; `how` is click's."""
    name, metavar = words.split()
    return click.argument(name, cls=CompletedArgument, metavar=in_language(metavar), **how)


def flag(words: str, english: str, chinese: str) -> Decorator:
    return option(words, english, chinese, is_flag=True)


def switch(words: str, english: str, chinese: str) -> Decorator:
    """On, off, or (None) as a config file or the model says."""
    return option(words, english, chinese, default=None)


def together(*options: Decorator) -> Decorator:
    """Options that go together, in the order in which help shows them."""

    def decorated(function: Decorated) -> Decorated:
        for one in reversed(options):
            function = one(function)
        return function

    return decorated


def under(group: OptionGroup, *options: Decorator) -> Decorator:
    """Options that go together, and that help shows under the title of this group."""

    def decorated(function: Decorated) -> Decorated:
        before = len(getattr(function, "__click_params__", ()))
        function = together(*options)(function)
        params: list[GroupedOption] = vars(function)["__click_params__"]
        for param in params[before:]:
            param.group = param.group or group
        return function

    return decorated


# What several scripts ask for.
seed_option = option("--seed N", "0 to 2147483647.", "随机种子，0 到 2147483647。", type=WHOLE_NUMBER)
negative_prompt_option = option("--negative-prompt TEXT", "What must not be in it.", "反向提示词。")
prompt_extend_option = switch(
    "--prompt-extend/--no-prompt-extend",
    "Let the service enrich the prompt [default: on].",
    "智能改写提示词 [默认: 开]。",
)
watermark_option = switch("--watermark/--no-watermark", "Mark as made by AI [default: off].", "添加水印 [默认: 关]。")
upload_option = under(BEFORE, flag("--upload", "Upload local pictures, small ones too.", "本地图片一律先上传。"))
json_option = flag("--json as_json", "JSON on stdout.", "输出 JSON。")


def seconds_option(words: str, english: str, chinese: str, **how: Any) -> Decorator:
    """A time above 0."""
    above_0 = click.FloatRange(min=0, min_open=True)
    return option(f"{words} SECONDS", english, chinese, type=above_0, callback=not_nan, **how)


open_option = flag("--open opens", "Open the result in the system's program.", "用系统程序打开结果。")
# For what can be looked at.
preview_option = under(
    RESULT, flag("--preview", "Show it in the terminal (extra [preview]).", "在终端中显示（可选部分 [preview]）。")
)
naming_options = together(
    option(
        "--name TEMPLATE",
        "File name: {date} {time} {model} {prompt} {seed} {n} {task_id} {index}.",
        "文件名模板：{date} {time} {model} {prompt} {seed} {n} {task_id} {index}。",
    ),
    flag("--sidecar", "Write NAME.json beside each file.", "为每个文件写一份同名 .json 说明。"),
    open_option,
)
# Where the file of one request goes, where many results go, and where a text does.
file_saving_options = under(
    RESULT,
    option(
        "-o --output DIR|FILE|-",
        "Folder, file, s3://… or stdout (-) [default: outputs/].",
        "目录、文件、s3://… 或 stdout（-）[默认: outputs/]。",
    ),
    naming_options,
)
saving_options = under(
    RESULT,
    option("-o --output DIR", "Folder, or s3://…/ [default: outputs/].", "目录，或 s3://…/ [默认: outputs/]。"),
    naming_options,
)
text_saving_options = under(
    RESULT,
    option("-o --output FILE", "Write the text to FILE, not to stdout.", "把文本写入该文件，而不是 stdout。"),
    naming_options,
)
# Which service, and as whom. No option takes a key: it would show in `ps`.
account_options = under(
    WHERE,
    option(
        "--sandbox",
        "Try it: a local sandbox, no key, no cost.",
        "试用：本地沙箱，无需密钥，不产生费用。",
        is_flag=True,
        envvar="BAILIAN_SANDBOX",
    ),
    option("--profile NAME", "Account and defaults of settings.toml.", "settings.toml 中的账号与默认值。"),
    option("--region REGION", "beijing (default), singapore, …", "beijing（默认）、singapore 等。"),
    option("--base-url URL", "Another host, with /api/v1.", "其他服务地址（含 /api/v1）。"),
    option("--workspace ID", "Workspace (业务空间) id: its own host is used.", "业务空间 ID：使用其专属域名。"),
)
# How much is said, and in which form.
verbosity_options = under(
    RESULT,
    flag("--json as_json", "One JSON object on stdout.", "在 stdout 输出一个 JSON 对象。"),
    flag("-q --quiet", "Only errors on stderr.", "stderr 只输出错误。"),
    flag("-v --verbose", "Say each change of status on stderr.", "在 stderr 输出每次状态变化。"),
)
# How the request is run.
running_options = under(
    BEFORE,
    option(
        "--config FILE",
        "Read the request from a JSON file; flags win.",
        "从 JSON 文件读取请求；命令行参数优先。",
        type=click.Path(path_type=Path),
    ),
    flag("--dry-run", "Show the request and its cost; send nothing.", "只显示请求与费用，不发送。"),
    option(
        "--wait/--no-wait",
        "--no-wait prints the task id and leaves.",
        "--no-wait 只提交任务并输出 task_id。",
        default=True,
    ),
    seconds_option(
        "--timeout timeout_s",
        "Wait at most so long; the task goes on [default: 1800].",
        "最长等待时间，超过后任务继续在服务端运行 [默认: 1800]。",
        default=1800,
    ),
    option(
        "--max-cost max_cost_cny CNY",
        "Refuse to spend more than this.",
        "费用超过此金额则拒绝。",
        type=click.FloatRange(min=0),
        callback=not_nan,
    ),
    flag("-y --yes", "Send without asking [default: ask above 10 CNY].", "发送前不询问 [默认: 超过 10 元时询问]。"),
    flag("--use-successor", "Send a retired model's successor instead.", "模型已下线时改用其后继模型。"),
    flag("--strict", "Refuse what would be adapted with a note.", "凡需调整（有提示）的请求一律拒绝。"),
)


on_end_option = option(
    "--on-end CMD",
    "Run this command at the end; a summary (JSON) is its stdin.",
    "结束时运行该命令，其 stdin 为汇总（JSON）。",
)
# How a script runs many rows.
rows_options = under(
    ROWS,
    option(
        "--each PATTERN",
        "One row for each file: 'photos/*.jpg', or a folder. Run again, it takes new and changed files.",
        "每个文件一行：'photos/*.jpg' 或目录。再次运行只处理新增或有改动的文件。",
    ),
    flag("--cron", "One at a time, silent unless something is wrong.", "同一时间只运行一个，仅出错时输出。"),
    flag("--retry-held", "Send rows again that may be paid already.", "重发可能已计费的行。"),
    on_end_option,
    option("--run NAME", "Know the rows by NAME: another name begins anew.", "以该名称标识这些行：换名即重新开始。"),
)


def shared_options(function: Decorated) -> Decorated:
    """All shared options; the function gets them as `common` and its own as keywords."""
    return _with_shared(function, together(rows_options, file_saving_options))


def folder_options(function: Decorated) -> Decorated:
    """The same of a command whose results need a folder."""
    return _with_shared(function, saving_options)


def text_options(function: Decorated) -> Decorated:
    """All shared options of a script whose result is a text."""
    return _with_shared(function, together(rows_options, text_saving_options))


def _with_shared(function: Decorated, more: Decorator) -> Decorated:
    @wraps(function)
    def with_common(**values: Any) -> Any:
        common, own = split(values)
        return function(common, **own)

    return running_options(more(verbosity_options(account_options(with_common))))


def split(values: Mapping[str, Any]) -> tuple[SharedOptions, dict[str, Any]]:
    """Return the shared options, and what is left."""
    names = {field.name for field in fields(SharedOptions)} - {"config_folder", "rows"}
    of_rows = {field.name for field in fields(RowsOptions)} if "each" in values else set()
    own = {name: value for name, value in values.items() if name not in names | of_rows}
    rows = RowsOptions(**{name: values[name] for name in of_rows})
    common = SharedOptions(**{name: values[name] for name in names if name in values}, rows=rows)
    return with_lasting_config(common) if common.config else common, own


def with_lasting_config(common: SharedOptions) -> SharedOptions:
    """Read a config that comes through a pipe (`-`, `<(…)`, /dev/stdin) once, and keep it."""
    from bailian.inputs.once import lasting_text

    path, piped = lasting_text("config", common.config or Path())
    return replace(common, config=path, config_folder=Path.cwd() if piped else None)
