"""The parts of the READMEs that are generated: help texts, the exit codes, the table of models.

python docs/readme_blocks.py           rewrites the blocks in README.md and README.zh-CN.md
python docs/readme_blocks.py --check   says which block differs (CI runs this)
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
READMES = {"README.md": "en", "README.zh-CN.md": "zh"}
BLOCK = re.compile(r"(<!-- block: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def exit_codes() -> str:
    from bailian.errors import Exit
    from bailian.language import say

    meanings = {
        Exit.OK: say("done", "完成"),
        Exit.BUG: say("a bug of the toolkit (with a traceback)", "工具自身的缺陷（带 traceback）"),
        Exit.REFUSED_LOCALLY: say("refused before anything was sent", "发送前被拒绝"),
        Exit.ACCOUNT: say("key, account, quota or budget", "密钥、账号、额度或预算问题"),
        Exit.REFUSED_BY_SERVICE: say("the service refused it, or the task failed", "服务端拒绝，或任务失败"),
        Exit.TRY_AGAIN: say("network, disk or service fault: worth another try", "网络、磁盘或服务故障，可以重试"),
        Exit.STILL_RUNNING: say("still running; the task id was printed", "仍在运行，已输出 task_id"),
        Exit.SOME_FAILED: say("finished, but some pictures or jobs failed", "已结束，但部分图片或任务失败"),
        Exit.INTERRUPTED: say("interrupted; what runs on was printed", "被中断，已输出仍在运行的任务"),
    }
    head = say("| exit code | meaning |", "| 退出码 | 含义 |")
    return "\n".join([head, "|--:|---|", *(f"| {int(code)} | {meanings[code]} |" for code in Exit)])


def image_models() -> str:
    from bailian.catalog import load
    from bailian.language import say

    head = say("| model | CNY a picture | n | sizes | call |", "| 模型 | 元/张 | n | 尺寸 | 调用方式 |")
    lines = [head, "|---|--:|--:|---|---|"]
    for model in load().of_kind("image"):
        sizes = [size for size in model.sizes if size not in model.size_aliases.values()]
        if model.side_px:
            shown = say(
                f"sides {model.side_px[0]}–{model.side_px[1]} px", f"边长 {model.side_px[0]}–{model.side_px[1]} 像素"
            )
        elif sizes:
            shown = " ".join(sizes).replace("*", "\\*")
        else:
            shown = say(
                f"{model.min_pixels:,}–{model.max_pixels:,} pixels", f"{model.min_pixels:,}–{model.max_pixels:,} 像素"
            )
        call = say("task", "异步任务") if model.mode == "task" else say("synchronous", "同步")
        extra = model.price_with_prompt_extend_cny
        with_extend = say(f" ({extra:g} with prompt extension)", f"（智能改写时 {extra:g}）") if extra else ""
        lines.append(f"| `{model.name}` | {model.price_cny:g}{with_extend} | {model.n_max} | {shown} | {call} |")
    return "\n".join(lines)


def video_models() -> str:
    from bailian.catalog import load
    from bailian.language import say

    head = say("| model | CNY a second | seconds | sizes |", "| 模型 | 元/秒 | 时长（秒） | 尺寸 |")
    lines = [head, "|---|---|---|---|"]
    for model in load().of_kind("video"):
        prices = model.price_cny if isinstance(model.price_cny, dict) else {}
        price = ", ".join(f"{tier} {cny:g}" for tier, cny in prices.items())
        durations = [str(seconds) for seconds in model.durations_s]
        seconds = ", ".join(durations) if len(durations) < 4 else f"{durations[0]}–{durations[-1]}"
        lines.append(f"| `{model.name}` | {price} | {seconds} | {', '.join(model.size_tiers)} |")
    return "\n".join(lines)


def edit_functions() -> str:
    from bailian.language import say
    from bailian.modalities.wanx_edit import ARGUMENTS, FUNCTIONS

    head = say("| `--function` | | own arguments | without a prompt |", "| `--function` | | 专用参数 | 省略提示词时 |")
    lines = [head, "|---|---|---|---|"]
    for name, function in FUNCTIONS.items():
        own = ["`--mask…`"] if function.mask else []
        for argument in function.arguments:
            rule, flag = ARGUMENTS[argument], f"`--{argument.replace('_', '-')}`"
            own.append(flag if isinstance(rule.default, bool) else f"{flag} {rule.low:g}–{rule.high:g}")
        default = function.default_prompt
        prompt = say("required", "必填") if default is None else f"“{default}”" if default else say("empty", "空")
        lines.append(f"| `{name}` | {function.title} | {', '.join(own)} | {prompt} |")
    return "\n".join(lines)


def script_help(name: str) -> str:
    import importlib

    import click

    command = importlib.import_module(name).main
    with click.Context(command, info_name=f"{name}.py", terminal_width=100, max_content_width=100) as context:
        return f"```\n{command.get_help(context)}\n```"


BLOCKS = {
    "exit-codes": exit_codes,
    "image-models": image_models,
    "video-models": video_models,
    "edit-functions": edit_functions,
    "help": lambda: script_help("text2image"),
    "help-text2video": lambda: script_help("text2video"),
    "help-image-edit": lambda: script_help("image_edit"),
    "help-wanx-edit": lambda: script_help("wanx_edit"),
}


def filled(text: str) -> str:
    return BLOCK.sub(lambda match: f"{match.group(1)}{BLOCKS[match.group('name')]()}\n{match.group(3)}", text)


def main() -> None:
    """Fill the README of the language that this process speaks; help texts are fixed when modules load."""
    name = next(name for name, language in READMES.items() if language == os.environ.get("BAILIAN_LANG"))
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    if "--check" not in sys.argv:
        path.write_text(filled(text), encoding="utf-8")
    elif filled(text) != text:
        sys.exit(f"{name} differs from what the code says: python docs/readme_blocks.py")


if __name__ == "__main__":
    if "BAILIAN_LANG" in os.environ and "--one" in sys.argv:
        main()
    else:
        import subprocess

        codes = [
            subprocess.run(  # noqa: S603 - runs itself, once a language
                [sys.executable, __file__, "--one", *sys.argv[1:]],
                env={**os.environ, "BAILIAN_LANG": language},
                check=False,
            ).returncode
            for language in READMES.values()
        ]
        sys.exit(max(codes))
