"""Text to video with Alibaba Bailian: wan2.1 to wan2.6."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.options import (
    WHOLE_NUMBER,
    SharedOptions,
    negative_prompt_option,
    option,
    prompt_extend_option,
    seed_option,
    shared_options,
    watermark_option,
)
from bailian.i18n import tr


@click.command(
    help=tr(
        "Make a video from PROMPT (`-` reads it from stdin) and print its path. It takes minutes: for cron, use "
        "--no-wait now and `bailian tasks wait --all` later.",
        "根据 PROMPT 生成视频并输出文件路径（`-` 表示从 stdin 读取）。需要数分钟：在 cron 中可先用 --no-wait 提交，"
        "之后用 `bailian tasks wait --all` 取回。",
    )
)
@click.argument("prompt", required=False)
@option("--model NAME", "Model [default: wan2.1-t2v-turbo].", "模型 [默认: wan2.1-t2v-turbo]。")
@option(
    "--size --resolution size SIZE",
    "1280*720, 16:9 or 720P [default: the model's; wan2.1: 720*1280].",
    "1280*720、16:9 或 720P [默认: 模型的默认尺寸；wan2.1: 720*1280]。",
)
@option("--duration SECONDS", "Length [default: 5].", "时长（秒）[默认: 5]。", type=WHOLE_NUMBER)
@option("--fps N", "Taken, not sent: the model decides.", "可写但不发送：帧率由模型决定。", type=WHOLE_NUMBER)
@negative_prompt_option
@seed_option
@prompt_extend_option
@watermark_option
@shared_options
def main(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.request import run

    return run("video", fields, common)
