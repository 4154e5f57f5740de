"""Text to pictures with Alibaba Bailian: wan2.x, wanx2.x, qwen-image and more."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, SharedOptions, shared_options
from bailian.i18n import tr


@click.command(
    help=tr(
        "Make pictures from PROMPT (`-` reads it from stdin) and print their paths.",
        "根据 PROMPT 生成图片并输出文件路径（`-` 表示从 stdin 读取）。",
    )
)
@click.argument("prompt", required=False)
@click.option(
    "--model", metavar="NAME", help=tr("Model [default: wan2.2-t2i-flash].", "模型 [默认: wan2.2-t2i-flash]。")
)
@click.option(
    "--size",
    metavar="SIZE",
    help=tr("1024*1024, 16:9 or 720P [default: the model's].", "1024*1024、16:9 或 720P [默认: 模型的默认尺寸]。"),
)
@click.option("--n", type=WHOLE_NUMBER, metavar="N", help=tr("How many pictures [default: 1].", "图片张数 [默认: 1]。"))
@click.option("--negative-prompt", metavar="TEXT", help=tr("What must not be in it.", "反向提示词。"))
@click.option("--seed", type=WHOLE_NUMBER, metavar="N", help=tr("0 to 2147483647.", "随机种子，0 到 2147483647。"))
@click.option(
    "--prompt-extend/--no-prompt-extend",
    default=None,
    help=tr("Let the service enrich the prompt [default: on].", "智能改写提示词 [默认: 开]。"),
)
@click.option(
    "--watermark/--no-watermark", default=None, help=tr("Mark as made by AI [default: off].", "添加水印 [默认: 关]。")
)
@shared_options
def main(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.request import run

    return run("image", fields, common)
