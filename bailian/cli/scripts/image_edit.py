"""Edit pictures by an instruction with Alibaba Bailian: qwen-image-edit and what took over."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, SharedOptions, shared_options
from bailian.i18n import tr


@click.command(
    help=tr(
        "Edit the pictures by the INSTRUCTION (`-` reads it from stdin) and print the paths of the results.",
        "按照 INSTRUCTION 编辑图片并输出结果路径（`-` 表示从 stdin 读取）。",
    )
)
@click.argument("prompt", metavar="[INSTRUCTION]", required=False)
@click.option(
    "--image",
    multiple=True,
    metavar="X",
    help=tr(
        "Picture: path, file://…, URL, data:… or - (stdin); 1 to 3.",
        "输入图片：路径、file://…、链接、data:… 或 -（stdin），1 到 3 张。",
    ),
)
@click.option(
    "--model",
    metavar="NAME",
    help=tr(
        "Model [default: qwen-image-edit; once that is retired, qwen-image-2.0].",
        "模型 [默认: qwen-image-edit；其下线后为 qwen-image-2.0]。",
    ),
)
@click.option("--negative-prompt", metavar="TEXT", help=tr("What must not be in it.", "反向提示词。"))
@click.option("--n", type=WHOLE_NUMBER, metavar="N", help=tr("How many results [default: 1].", "结果张数 [默认: 1]。"))
@click.option("--size", metavar="W*H", help=tr("Size, where the model lets you choose.", "尺寸（仅部分模型支持）。"))
@click.option("--seed", type=WHOLE_NUMBER, metavar="N", help=tr("0 to 2147483647.", "随机种子，0 到 2147483647。"))
@click.option(
    "--prompt-extend/--no-prompt-extend",
    default=None,
    help=tr("Let the service enrich the instruction, where it can.", "智能改写指令（仅部分模型支持）。"),
)
@click.option(
    "--watermark/--no-watermark",
    default=None,
    help=tr("Mark as made by AI [default: off].", "添加水印 [默认: 关]。"),
)
@click.option("--upload", is_flag=True, help=tr("Upload local pictures, small ones too.", "本地图片一律先上传。"))
@shared_options
def main(common: SharedOptions, upload: bool, **fields: Any) -> int:
    from bailian.cli.scripts.request import run

    return run("image_edit", fields, common, upload=upload)
