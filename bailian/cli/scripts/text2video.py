"""Films with Alibaba Bailian: from a text, a picture, two frames, references, a sound, or another film."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.film_options import (
    EXAMPLES,
    film_fields,
    input_options,
    sound_and_story_options,
    vace_options,
)
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
from bailian.cli.help.groups import REQUEST
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr


@click.command(
    cls=HelpCommand,
    own=REQUEST,
    examples=EXAMPLES,
    context_settings=CONTEXT,
    help=tr(
        "Make a film from PROMPT (`-` reads it from stdin), and from pictures, films and sounds; print its path. It takes "
        "minutes: for cron, use --no-wait now and `bailian tasks wait --all` later.",
        "根据提示词（`-` 表示从 stdin 读取）以及图片、视频、音频生成视频，并输出文件路径。需要数分钟：在 cron 中可先用 "
        "--no-wait 提交，之后用 `bailian tasks wait --all` 取回。",
    ),
)
@argument("prompt [PROMPT]", required=False)
@option(
    "-m --model NAME",
    "Model [default: what goes in decides; a text alone: wan2.1-t2v-turbo].",
    "模型 [默认: 由输入决定；只有文本时为 wan2.1-t2v-turbo]。",
)
@input_options
@option(
    "-s --size --resolution size SIZE",
    "1280*720, 16:9 or 720P [default: 720P where the model has it, else its cheapest; wan2.1-t2v: 720*1280].",
    "1280*720、16:9 或 720P [默认: 模型支持时为 720P，否则为最便宜的档位；wan2.1-t2v: 720*1280]。",
)
@option("--ratio W:H", "Shape, where the inputs do not decide: 9:16.", "画面比例（输入不决定比例时）：9:16。")
@option("--duration SECONDS", "Length [default: 5].", "时长（秒）[默认: 5]。", type=WHOLE_NUMBER)
@option("--fps N", "Taken, not sent: the model decides.", "可写但不发送：帧率由模型决定。", type=WHOLE_NUMBER)
@sound_and_story_options
@negative_prompt_option
@seed_option
@prompt_extend_option
@watermark_option
@vace_options
@preview_option
@shared_options
def main(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.request import run

    return run("video", film_fields(**fields), common)
