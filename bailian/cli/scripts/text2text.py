"""Text to text with Alibaba Bailian: the Qwen models, one question or a conversation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, SharedOptions, flag, option, seed_option, switch, text_options
from bailian.i18n import tr


@click.command(
    help=tr(
        "Answer PROMPT (`-`, or none with a pipe, reads it from stdin) and print the text. Without a prompt on a "
        "terminal: a conversation.",
        "回答 PROMPT 并输出文本（`-`，或在管道中省略，表示从 stdin 读取）。在终端中省略 PROMPT 则进入对话。",
    )
)
@click.argument("prompt", required=False)
@option("--model NAME", "Model [default: qwen-plus].", "模型 [默认: qwen-plus]。")
@option("--system TEXT", "What the model is to be.", "系统提示词。")
@option(
    "--file files FILE",
    "Put a text file behind the prompt (repeatable; - is stdin).",
    "在提示词后附上文本文件（可重复；- 为 stdin）。",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
)
@option("--max-tokens N", "Longest answer [default: 1500].", "最大生成长度 [默认: 1500]。", type=WHOLE_NUMBER)
@option("--temperature X", "0 to 2 [default: 1.0].", "随机性，0 到 2 [默认: 1.0]。", type=float)
@option("--top-p X", "0 to 1 [default: 0.8].", "核采样，0 到 1 [默认: 0.8]。", type=float)
@seed_option
@option("--stop TEXT", "End there (repeatable).", "遇到该文本即停止（可重复）。", multiple=True)
@option(
    "--json-object",
    'Answer with a JSON object (say "JSON" in the prompt).',
    "以 JSON 对象回答（提示词中须含“JSON”）。",
    is_flag=True,
    default=None,
)
@switch(
    "--thinking/--no-thinking",
    "Think first; thoughts go to stderr [default: off].",
    "先思考再回答，思考过程输出到 stderr [默认: 关]。",
)
@option("--thinking-budget N", "Longest thought, in tokens.", "思考过程的最大 token 数。", type=WHOLE_NUMBER)
@switch("--stream/--no-stream", "Print as it arrives [default: on a terminal].", "边生成边输出 [默认: 在终端中开启]。")
@option("--chat NAME", "Continue the conversation NAME, or begin it.", "继续（或开始）名为 NAME 的对话。")
@flag("--fresh", "Begin the conversation anew.", "重新开始该对话。")
@text_options
def main(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.chat import run_text

    return run_text(fields, common)
