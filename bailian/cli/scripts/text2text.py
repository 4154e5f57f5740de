"""Text to text with Alibaba Bailian: one question or a conversation, with pictures and films to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bailian.cli.args.options import (
    CONTEXT,
    WHOLE_NUMBER,
    SharedOptions,
    argument,
    flag,
    option,
    seed_option,
    switch,
    text_options,
    under,
)
from bailian.cli.args.sight_options import sight_options
from bailian.cli.help.groups import CONVERSATION, REQUEST, SOME_MODELS
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr

chat_options = under(
    CONVERSATION,
    option("--chat NAME", "Continue the conversation NAME, or begin it.", "继续（或开始）该名称的对话。"),
    flag("--fresh", "Begin the conversation anew.", "重新开始该对话。"),
    flag("--chats", "List the conversations.", "列出全部对话。"),
    flag("--show", "Print the conversation --chat NAME.", "输出 --chat 所指对话的全文。"),
    option("--rename NEW", "Give the conversation another name.", "给该对话改名。"),
    flag(
        "--delete",
        "Take the conversation off the list (--yes: without asking).",
        "从列表中删除该对话（--yes 不再询问）。",
    ),
)
# What a model takes of them is listed by `bailian models NAME`.
model_options = under(
    SOME_MODELS,
    option(
        "--json-object",
        'Answer with a JSON object (say "JSON" in the prompt).',
        "以 JSON 对象回答（提示词中须含“JSON”）。",
        is_flag=True,
        default=None,
    ),
    option(
        "--json-schema FILE",
        "Answer by a JSON schema, from a file or as JSON (qwen3.7, qwen3.8).",
        "按 JSON Schema 回答，取自文件或直接给出（qwen3.7、qwen3.8）。",
    ),
    switch("--search/--no-search", "Search the web first; sources go to stderr.", "先联网搜索，来源输出到 stderr。"),
    option("--prefix TEXT", "Begin the answer with this; it goes on from there.", "以该文本作为回答的开头并续写。"),
    option(
        "--go-on ID",
        "Go on from an answer that was cut; its notice names the ID.",
        "续写被截断的回答，ID 见当时的提示。",
    ),
    switch(
        "--thinking/--no-thinking",
        "Think first; thoughts go to stderr [default: off, where it can be].",
        "先思考再回答，思考过程输出到 stderr [默认: 关（如可关闭）]。",
    ),
    option("--thinking-budget N", "Longest thought, in tokens.", "思考过程的最大 token 数。", type=WHOLE_NUMBER),
)


@click.command(
    cls=HelpCommand,
    own=REQUEST,
    examples=(
        ('"Why is the sky blue?"', '"天空为什么是蓝色的？"'),
        ('"What is in the picture?" -i cat.jpg', '"图中有什么？" -i cat.jpg'),
    ),
    context_settings=CONTEXT,
    help=tr(
        "Answer PROMPT (`-`, or none with a pipe, reads it from stdin) and print the text. Without a prompt on a "
        "terminal: a conversation.",
        "回答提示词并输出文本（`-`，或在管道中省略，表示从 stdin 读取）。在终端中省略提示词则进入对话。",
    ),
)
@argument("prompt [PROMPT]", required=False)
@option(
    "-m --model NAME",
    "Model [default: qwen-plus]; with pictures or a schema qwen3.7-plus, with --ocr qwen-vl-ocr.",
    "模型 [默认: qwen-plus]；有图片或 schema 时 qwen3.7-plus，--ocr 时 qwen-vl-ocr。",
)
@option("--system TEXT", "What the model is to be.", "系统提示词。")
@option(
    "--file files FILE",
    "Put a text file behind the prompt (repeatable; - is stdin).",
    "在提示词后附上文本文件（可重复；- 为 stdin）。",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
)
@sight_options
@option("--max-tokens N", "Longest answer [default: 1500].", "最大生成长度 [默认: 1500]。", type=WHOLE_NUMBER)
@option("--temperature X", "0 to 2 [default: 1.0].", "随机性，0 到 2 [默认: 1.0]。", type=float)
@option("--top-p X", "0 to 1 [default: 0.8].", "核采样，0 到 1 [默认: 0.8]。", type=float)
@seed_option
@option("--stop TEXT", "End there (repeatable).", "遇到该文本即停止（可重复）。", multiple=True)
@switch("--stream/--no-stream", "Print as it arrives [default: on a terminal].", "边生成边输出 [默认: 在终端中开启]。")
@model_options
@chat_options
@text_options
def main(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.chat import run_text

    return run_text(fields, common)
