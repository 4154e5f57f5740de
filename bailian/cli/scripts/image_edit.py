"""Edit pictures by an instruction with Alibaba Bailian: qwen-image-edit and what took over."""

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
    seed_option,
    shared_options,
    switch,
    upload_option,
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
        ('"make the dog stand up" -i dog.jpg', '"将狗改为站立姿势" -i dog.jpg'),
        (
            '"put the hat on the dog" -i dog.jpg -i hat.png -o out.png',
            '"给狗戴上帽子" -i dog.jpg -i hat.png -o out.png',
        ),
    ),
    context_settings=CONTEXT,
    help=tr(
        "Edit the pictures by the INSTRUCTION (`-` reads it from stdin) and print the paths of the results.",
        "按照指令编辑图片并输出结果路径（`-` 表示从 stdin 读取）。",
    ),
)
@argument("prompt [INSTRUCTION]", required=False)
@option(
    "-i --image X",
    "Picture: path, file://…, URL, data:… or - (stdin); 1 to 3, newer models up to 10.",
    "输入图片：路径、file://…、链接、data:… 或 -（stdin），1 到 3 张，新模型最多 10 张。",
    multiple=True,
)
@option(
    "-m --model NAME",
    "Model [default: qwen-image-edit; once that is retired, qwen-image-2.0].",
    "模型 [默认: qwen-image-edit；其下线后为 qwen-image-2.0]。",
)
@negative_prompt_option
@option("-n --n N", "How many results [default: 1].", "结果张数 [默认: 1]。", type=WHOLE_NUMBER)
@option(
    "-s --size SIZE",
    "1024*1024, 16:9 or 2K, where the model lets you choose [default: the last picture's shape].",
    "1024*1024、16:9 或 2K（仅部分模型支持）[默认: 与最后一张图片同比例]。",
)
@seed_option
@switch(
    "--prompt-extend/--no-prompt-extend",
    "Let the service enrich the instruction, where it can.",
    "智能改写指令（仅部分模型支持）。",
)
@watermark_option
@upload_option
@option(
    "--box N:X,Y,X,Y",
    "Where to edit picture N (from 1): two corners in px; at most two boxes a picture (wan2.7-image).",
    "第 N 张图片（从 1 起）的编辑区域：两个角的像素坐标，每张最多两个（wan2.7-image）。",
    multiple=True,
)
@picture_options
@preview_option
@shared_options
def main(common: SharedOptions, upload: bool, **fields: Any) -> int:
    from bailian.cli.scripts.request import run

    return run("image_edit", fields, common, upload=upload)
