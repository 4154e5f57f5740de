"""Text to video with Alibaba Bailian: wan2.1 to wan2.6."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, SharedOptions, shared_options
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
@click.option(
    "--model", metavar="NAME", help=tr("Model [default: wan2.1-t2v-turbo].", "模型 [默认: wan2.1-t2v-turbo]。")
)
@click.option(
    "--size",
    "--resolution",
    "size",
    metavar="SIZE",
    help=tr(
        "1280*720, 16:9 or 720P [default: the model's; wan2.1: 720*1280].",
        "1280*720、16:9 或 720P [默认: 模型的默认尺寸；wan2.1: 720*1280]。",
    ),
)
@click.option(
    "--duration", type=WHOLE_NUMBER, metavar="SECONDS", help=tr("Length [default: 5].", "时长（秒）[默认: 5]。")
)
@click.option(
    "--fps",
    type=WHOLE_NUMBER,
    metavar="N",
    help=tr("Taken, not sent: the model decides.", "可写但不发送：帧率由模型决定。"),
)
@click.option("--negative-prompt", metavar="TEXT", help=tr("What must not be in it.", "反向提示词。"))
@click.option("--seed", type=WHOLE_NUMBER, metavar="N", help=tr("0 to 2147483647.", "随机种子，0 到 2147483647。"))
@click.option(
    "--prompt-extend/--no-prompt-extend",
    default=None,
    help=tr("Let the service enrich the prompt [default: on].", "智能改写提示词 [默认: 开]。"),
)
@click.option(
    "--watermark/--no-watermark",
    default=None,
    help=tr("Mark as made by AI [default: off].", "添加水印 [默认: 关]。"),
)
@shared_options
def main(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.request import run

    return run("video", fields, common)
