"""Edit a picture with one of ten functions of wanx2.1-imageedit (通义万相通用图像编辑)."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.edit_functions import FUNCTIONS
from bailian.cli.args.mask_options import Looks, mask_options
from bailian.cli.args.options import (
    CONTEXT,
    WHOLE_NUMBER,
    SharedOptions,
    argument,
    option,
    preview_option,
    seed_option,
    shared_options,
    switch,
    under,
    upload_option,
    watermark_option,
)
from bailian.cli.help.groups import OF_A_FUNCTION, REQUEST
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr

_NAMES = [f"{name} {title}" for name, title in FUNCTIONS.items()]
function_options = under(
    OF_A_FUNCTION,
    option(
        "--strength X",
        "stylization_all, description_edit: 0.0 to 1.0 [default: 0.5].",
        "stylization_all、description_edit：0.0 到 1.0 [默认: 0.5]。",
        type=float,
    ),
    option(
        "--upscale-factor N",
        "super_resolution: 1 to 4 [default: 1].",
        "super_resolution：1 到 4 [默认: 1]。",
        type=WHOLE_NUMBER,
    ),
    *(
        option(f"--{side}-scale X", "expand: 1.0 to 2.0.", "expand：1.0 到 2.0。", type=float)
        for side in ("top", "bottom", "left", "right")
    ),
    switch(
        "--is-sketch/--no-is-sketch",
        "doodle: the picture is a sketch already [default: no].",
        "doodle：输入已是线稿 [默认: 否]。",
    ),
)


@click.command(
    cls=HelpCommand,
    own=REQUEST,
    examples=(
        (
            "--function super_resolution -i dog.jpg --upscale-factor 2",
            "--function super_resolution -i dog.jpg --upscale-factor 2",
        ),
        (
            '"a red door" --function description_edit_with_mask -i house.jpg --mask-box 40,40,200,300',
            '"一扇红门" --function description_edit_with_mask -i house.jpg --mask-box 40,40,200,300',
        ),
    ),
    context_settings=CONTEXT,
    help=tr(
        "Edit a picture and print the paths of the results. PROMPT may be left out where the function has a default.",
        "编辑图片并输出结果路径。部分功能可以省略提示词。",
    ),
)
@argument("prompt [PROMPT]", required=False)
@option("--function FUNCTION", f"One of: {', '.join(_NAMES)}.", f"功能：{'、'.join(_NAMES)}。")
@option("-i --image X", "Picture: path, file://…, URL, data:… or -.", "输入图片：路径、file://…、链接、data:… 或 -。")
@option("-m --model NAME", "Model [default: wanx2.1-imageedit].", "模型 [默认: wanx2.1-imageedit]。")
@option("-n --n N", "How many results, 1 to 4 [default: 1].", "结果张数，1 到 4 [默认: 1]。", type=WHOLE_NUMBER)
@seed_option
@watermark_option
@function_options
@mask_options
@upload_option
@preview_option
@shared_options
def main(common: SharedOptions, looks: Looks, upload: bool, **fields: Any) -> int:
    from bailian.cli.scripts.edit import run_edit

    return run_edit(fields, looks, common, upload=upload)
