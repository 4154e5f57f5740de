"""The options that drawing and editing share and only some models have. Help texts only: nothing heavy is imported here."""

from __future__ import annotations

from bailian.cli.args.options import WHOLE_NUMBER, option, switch, under
from bailian.cli.help.groups import SOME_MODELS

# What a model takes of them is listed by `bailian models NAME`.
picture_options = under(
    SOME_MODELS,
    switch("--thinking/--no-thinking", "Let the model think first, where it can.", "生成前先思考（仅部分模型支持）。"),
    option(
        "--prompt-extend-mode MODE",
        "How it is enriched: direct or agent (qwen-image-3.0, -2.1-pro).",
        "改写方式：direct 或 agent（qwen-image-3.0、-2.1-pro）。",
    ),
    option(
        "--palette HEX:%,…",
        '3 to 10 colours with shares: "#C2D1E6:25%,#CDD8E9:25%,#B5C8DB:50%" (wan2.7-image).',
        '3 到 10 种颜色及占比："#C2D1E6:25%,#CDD8E9:25%,#B5C8DB:50%"（wan2.7-image）。',
    ),
    option(
        "--set N",
        "A set of pictures that belong together, at most N (wan2.7-image).",
        "组图：至多 N 张内容连贯的图片（wan2.7-image）。",
        type=WHOLE_NUMBER,
    ),
    switch(
        "--interleave/--no-interleave",
        "A text with at most --n pictures in it, as Markdown and files (wan2.6-image).",
        "图文混排：一份 Markdown 和至多 --n 张图片（wan2.6-image）。",
    ),
)
