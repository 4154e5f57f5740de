"""Text to pictures with Alibaba Bailian: wan2.x, wanx2.x, qwen-image and more."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.options import (
    CONTEXT,
    WHOLE_NUMBER,
    SharedOptions,
    argument,
    negative_prompt_option,
    option,
    preview_option,
    prompt_extend_option,
    seed_option,
    shared_options,
    watermark_option,
)
from bailian.cli.args.picture_options import picture_options
from bailian.cli.help.groups import REQUEST
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr


@click.command(
    cls=HelpCommand,
    own=REQUEST,
    examples=(
        ('"a cat on a wall" --sandbox', '"墙上的猫" --sandbox'),
        ('"a cat on a wall" -s 16:9 -n 2 -o cats/', '"墙上的猫" -s 16:9 -n 2 -o 猫/'),
    ),
    context_settings=CONTEXT,
    help=tr(
        "Make pictures from PROMPT (`-` reads it from stdin) and print their paths.",
        "根据提示词生成图片并输出文件路径（`-` 表示从 stdin 读取）。",
    ),
)
@argument("prompt [PROMPT]", required=False)
@option("-m --model NAME", "Model [default: wan2.2-t2i-flash].", "模型 [默认: wan2.2-t2i-flash]。")
@option(
    "-s --size SIZE",
    "1024*1024, 16:9, 2K or 720P [default: the model's].",
    "1024*1024、16:9、2K 或 720P [默认: 模型的默认尺寸]。",
)
@option("-n --n N", "How many pictures [default: 1].", "图片张数 [默认: 1]。", type=WHOLE_NUMBER)
@negative_prompt_option
@seed_option
@prompt_extend_option
@watermark_option
@picture_options
@preview_option
@shared_options
def main(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.request import run

    return run("image", fields, common)
