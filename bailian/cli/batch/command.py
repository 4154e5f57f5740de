"""`bailian batch`: run a file of requests, go on with it, and say how it stands."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import (
    SharedOptions,
    argument,
    flag,
    folder_options,
    on_end_option,
    option,
    seconds_option,
    under,
    verbosity_options,
)
from bailian.cli.help.groups import BATCH
from bailian.cli.help.help_command import HelpGroup
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.config.settings import Settings


@click.group(
    cls=HelpGroup,
    examples=(
        ("run shop.csv --dry-run", "run shop.csv --dry-run"),
        ("status shop.csv", "status shop.csv"),
    ),
    help=tr("Run files of many requests.", "批量运行配置文件中的请求。"),
)
def batch() -> None:
    pass


# How a file of many rows is run.
batch_options = under(
    BATCH,
    option(
        "--gallery/--no-gallery",
        "Write gallery.html at the end [default: yes].",
        "结束时生成 gallery.html [默认: 是]。",
        default=True,
    ),
    flag("--cron", "One at a time, silent unless something is wrong.", "同一时间只运行一个，无异常时不输出。"),
    seconds_option(
        "--max-duration max_duration_s",
        "Leave after so long; the next run goes on.",
        "运行到此时长后退出，下次运行继续。",
    ),
    flag(
        "--batch-api",
        "Texts and embeddings by the service's own batches: half the price, within 24 hours.",
        "文本与文本向量行使用服务端批量推理：半价，24 小时内完成。",
    ),
    option(
        "--vectors [json|npy]",
        "Where vectors go: results.jsonl, or one vectors.npy beside it [default: json].",
        "向量写入 results.jsonl，或同目录的 vectors.npy [默认: json]。",
        type=click.Choice(["json", "npy"]),
        default="json",
    ),
    flag(
        "--results-only",
        "Texts go into results.jsonl alone, none into a file of its own.",
        "文本只写入 results.jsonl，不再各存一个文件。",
    ),
    option(
        "--in-flight N",
        "Wait for at most N answers at once [default: as many as the account allows].",
        "同时等待的应答最多 N 个 [默认: 账号允许的数量]。",
        type=click.IntRange(min=1),
    ),
    flag("--fresh", "Begin anew: every row is sent and paid again.", "从头开始：全部重新发送并计费。"),
    flag("--retry-held", "Send rows again that may be paid already.", "重发可能已计费的行。"),
    option(
        "--retry-failed/--no-retry-failed",
        "Try rows again that failed [default: yes].",
        "重试失败的行 [默认: 是]。",
        default=True,
    ),
    option(
        "--kind KIND",
        "What rows are that say nothing of it: image, text, video …",
        "未注明类型的行的类型：image、text、video 等。",
    ),
    on_end_option,
    option("--run NAME", "Know the batch by NAME, not by its file.", "以该名称（而非文件路径）标识该批次。"),
    option(
        "--cluster ADDRESS",
        "Send the rows from Dask workers: tcp://HOST:PORT of their scheduler, or local:N.",
        "由 Dask 工作进程发送各行：调度器地址 tcp://主机:端口，或 local:N。",
    ),
)


# The file is an argument here, and a batch's time is `--max-duration`.
NOT_OF_A_BATCH: dict[str, Any] = {"config": None, "timeout_s": math.inf}


def batch_common(function: Any) -> Any:
    """All shared options that mean something to a batch."""
    with_all = folder_options(function)

    def with_common(**values: Any) -> Any:
        return with_all(**NOT_OF_A_BATCH, **values)

    options = vars(with_all)["__click_params__"]
    with_common.__click_params__ = [one for one in options if one.name not in NOT_OF_A_BATCH]  # type: ignore[attr-defined]
    return with_common


@batch.command(
    "run",
    examples=(
        ("shop.csv --dry-run", "shop.csv --dry-run"),
        ("shop.csv --max-cost 20 --cron", "shop.csv --max-cost 20 --cron"),
    ),
    help=tr(
        "Run FILE (JSON, JSON lines or CSV): every row once, within all limits. Run it again to go on.",
        "运行文件（JSON、JSONL 或 CSV）：每行只运行一次，遵守全部限制。再次运行即可继续。",
    ),
)
@argument("file FILE", type=click.Path(path_type=Path, allow_dash=True))
@batch_options
@batch_common
def run(common: SharedOptions, file: Path, **options: Any) -> int:
    from bailian.cli.batch.batch_call import BatchOptions
    from bailian.cli.batch.run_file import run_file

    if options["kind"] is not None:
        from bailian.batch.input.row_schema import kind_of

        options["kind"] = kind_of(options["kind"])
    return run_file(file, None, {}, common, BatchOptions(**options))


@batch.command(
    "status",
    examples=(
        ("shop.csv", "shop.csv"),
        ("shop.csv --json", "shop.csv --json"),
    ),
    help=tr(
        "Say how the batch of FILE stands; FILE may be a batch's folder of results, or what --each was given.",
        "显示批次的进展；文件也可以是批次的结果目录，或 --each 的参数。",
    ),
)
@argument("file FILE", type=click.Path(path_type=Path))
@option("--run NAME", "The batch's name, if it has one.", "批次名称（如有）。")
@verbosity_options
@with_account
def status(here: Settings, file: Path, run: str | None, as_json: bool, quiet: bool, **_talk: bool) -> int:
    from bailian.cli.batch.status import print_status

    here.require_key()
    return print_status(here, file, run, as_json=as_json, quiet=quiet)
