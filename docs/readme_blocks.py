"""The parts of the READMEs and of the pages in docs/ that are generated: help texts, exit codes, tables of models.

python docs/readme_blocks.py           rewrites the blocks in both languages
python docs/readme_blocks.py --check   says which file differs (CI runs this)
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from click import Command

    from bailian.catalog import Model

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGES = {
    "en": ("README.md", *sorted(f"docs/{page.name}" for page in ROOT.glob("docs/*.md") if ".zh-CN" not in page.name)),
    "zh": ("README.zh-CN.md", *sorted(f"docs/{page.name}" for page in ROOT.glob("docs/*.zh-CN.md"))),
}
MILLION, THOUSAND = 1_000_000, 1_000
BLOCK = re.compile(r"(<!-- block: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def exit_codes() -> str:
    from bailian.errors import Exit
    from bailian.i18n import tr

    meanings = {
        Exit.OK: tr("done", "完成"),
        Exit.BUG: tr(
            "a bug of the toolkit: what to report is said, what came is kept",
            "工具自身的缺陷：说明应报告的内容，已收到的结果会保留",
        ),
        Exit.REFUSED_LOCALLY: tr("refused before anything was sent", "发送前被拒绝"),
        Exit.ACCOUNT: tr("key, account, quota, budget or settings", "密钥、账号、额度、预算或设置问题"),
        Exit.REFUSED_BY_SERVICE: tr("the service refused it, or the task failed", "服务端拒绝，或任务失败"),
        Exit.TRY_AGAIN: tr("network, disk or service fault: worth another try", "网络、磁盘或服务故障，可以重试"),
        Exit.STILL_RUNNING: tr("still running; the task id was printed", "仍在运行，已输出 task_id"),
        Exit.SOME_FAILED: tr("finished, but some pictures or jobs failed", "已结束，但部分图片或任务失败"),
        Exit.INTERRUPTED: tr("interrupted; what runs on was printed", "被中断，已输出仍在运行的任务"),
    }
    head = tr("| exit code | meaning |", "| 退出码 | 含义 |")
    return "\n".join([head, "|--:|---|", *(f"| {int(code)} | {meanings[code]} |" for code in Exit)])


def _life(model: Model) -> str:
    """Say when a model ends or ended, seen from the day of the catalog: a page must not change overnight."""
    from bailian.catalog import load
    from bailian.i18n import tr

    if not model.retired_on:
        return ""
    as_of = load().as_of
    ended = as_of is not None and model.retired(as_of)
    english, chinese = ("retired", "已于") if ended else ("retires", "将于")
    return tr(
        f"{english} on {model.retired_on}, use `{model.successor}`",
        f"{chinese} {model.retired_on} 下线，请用 `{model.successor}`",
    )


def image_models() -> str:
    """Models that draw, edit, or do both."""
    from bailian.catalog import load
    from bailian.i18n import tr

    head = tr(
        "| model | CNY a picture | pictures in | n | sizes | call | |",
        "| 模型 | 元/张 | 输入图片 | n | 尺寸 | 调用方式 | |",
    )
    lines = [head, "|---|---|--:|--:|---|---|---|"]
    for model in load().values():
        if not {"image", "image_edit"} & {*model.kinds}:
            continue
        fewest = 1 if model.images_min is None else model.images_min
        most = f"{fewest}–{model.images_max}" if "image_edit" in model.kinds else ""
        call = tr("task", "异步任务") if model.mode == "task" else tr("synchronous", "同步")
        cells = [f"`{model.name}`", _picture_price(model), most, str(model.n_max), _picture_sizes(model), call]
        lines.append(f"| {' | '.join(cells)} | {_life(model)} |")
    return "\n".join(lines)


def _picture_price(model: Model) -> str:
    from bailian.i18n import tr

    price = model.price_cny
    shown = ", ".join(f"{area} {cny:g}" for area, cny in price.items()) if isinstance(price, Mapping) else f"{price:g}"
    extra, incoming = model.price_with_prompt_extend_cny, model.price_input_image_cny
    if extra:
        shown += tr(f" ({extra:g} with prompt extension)", f"（智能改写时 {extra:g}）")
    if incoming:
        mark = " ?" if "input_image" in model.assumed_prices else ""
        shown += tr(f" + {incoming:g}{mark} a picture in", f" + 每张输入图片 {incoming:g}{mark}")
    return shown


def _picture_sizes(model: Model) -> str:
    from bailian.i18n import tr

    sizes = [size for size in model.sizes if size not in model.size_aliases.values()]
    words = "".join(f"{word} " for word in model.size_words)
    if model.side_px:
        low, high = model.side_px
        return tr(f"sides {low}–{high} px", f"边长 {low}–{high} 像素")
    if sizes:
        return " ".join(sizes).replace("*", "\\*")
    if model.max_pixels is None:
        return tr("as the picture", "同输入图片")
    return words + tr(
        f"{model.min_pixels:,}–{model.max_pixels:,} pixels", f"{model.min_pixels:,}–{model.max_pixels:,} 像素"
    )


def video_models() -> str:
    from bailian.catalog import load
    from bailian.i18n import tr

    head = tr(
        "| model | takes | CNY a second | without sound | seconds |",
        "| 模型 | 输入 | 元/秒 | 无声 | 时长（秒） |",
    )
    lines = [head, "|---|---|---|---|---|"]
    for model in load().of_kind("video"):
        if model.is_snapshot:
            continue  # the same as the name without a date
        price, silent = (
            ", ".join(f"{tier} {cny:g}" for tier, cny in prices.items())
            for prices in (model.price_cny, model.price_silent_cny)
        )
        lines.append(f"| `{model.name}` | {_roles(model)} | {price} | {silent} | {_seconds(model)} |")
    return "\n".join(lines)


def _roles(model: Model) -> str:
    """Return what can go in, in the words of the options."""
    from bailian.i18n import tr
    from bailian.modalities.video.film_inputs import field_of

    every = [one for way in (model, *_called(model)) for one in way.allowed_inputs()]
    fields = dict.fromkeys([field_of(role, model) for one in every for role in sorted(one)] + [*model.roles])
    return ", ".join([tr("text", "文字")] * (frozenset() in every) + [*fields])


def _called(model: Model) -> list[Model]:
    from bailian.catalog.roles import FUNCTIONS
    from bailian.modalities.rules.ways import called

    return [called(model, [function]) for function in FUNCTIONS if function in model.ways]


def _seconds(model: Model) -> str:
    from bailian.i18n import tr

    listed = [seconds for seconds in model.durations_s if seconds > 0]
    durations = [str(seconds) for seconds in listed]
    words = [", ".join(durations) if len(durations) < 4 else f"{durations[0]}–{durations[-1]}"] if listed else []
    words += [tr("as the input", "同输入")] if 0 in model.durations_s else []
    words += [tr("-1: the model decides", "-1：由模型决定")] if -1 in model.durations_s else []
    return ", ".join(words)


def text_models() -> str:
    """Prices of the first tier: the rest is in docs/reference.md. Those that are gone without a price are left out."""
    from bailian.catalog import load
    from bailian.i18n import tr

    head = tr(
        "| model | CNY a million tokens: in | out | tokens in, at most | out | thinks | can | |",
        "| 模型 | 元/百万 token：输入 | 输出 | 输入上限（token） | 输出上限 | 思考 | 还支持 | |",
    )
    lines = [head, "|---|--:|--:|--:|--:|---|---|---|"]
    for model in load().of_kind("text"):
        if model.price_cny is None:
            continue
        prices = [_text_price(model, name) for name in ("input", "output")]
        limits = [f"{limit:,}" if limit else "" for limit in (model.max_input_tokens, model.max_output_tokens)]
        cells = [*prices, *limits, _thinking(model), _abilities(model), _life(model)]
        lines.append(f"| `{model.name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _text_price(model: Model, name: str) -> str:
    """Return a price with what it becomes: at night, with thoughts, with a longer input."""
    from bailian.i18n import tr

    price = _a_million(model.price_cny, name)
    night = _a_million(model.price_cny, f"off_peak_{name}")
    thinking = _a_million(model.price_cny, "thinking_output") if name == "output" else ""
    shown = price + (tr(f", thinking {thinking}", f"，思考 {thinking}") if thinking not in ("", price) else "")
    shown += tr(f", by night {night}", f"，夜间 {night}") if night else ""
    return tr(f"from {shown}", f"{shown} 起") if model.price_tiers else shown


def _thinking(model: Model) -> str:
    from bailian.i18n import tr

    words = {"off": tr("if told", "可开启"), "on": tr("if told", "可开启"), "always": tr("always", "总是")}
    return words.get(model.thinking_default, "")


def _abilities(model: Model) -> str:
    from bailian.i18n import tr

    if model.unavailable:
        return tr("on the compatible route only: refused", "仅兼容接口提供：拒绝调用")
    films = model.films_max > 0
    words = {
        "sees": tr("pictures, films", "图片、视频") if films else tr("pictures", "图片"),
        "ocr": "`--ocr`",
        "json_schema": "`--json-schema`",
        "search": "`--search`",
        "prefix": "`--prefix`",
    }
    return tr(", ", "、").join(word for name, word in words.items() if name in model.abilities)


def _a_million(prices: object, name: str) -> str:
    price_cny = prices.get(name) if isinstance(prices, Mapping) else None
    return "" if price_cny is None else f"{price_cny * MILLION / THOUSAND:g}"


def text_prices() -> str:
    """Every tier of every text model."""
    from bailian.catalog import load
    from bailian.i18n import tr

    head = tr(
        "| model | input of at most | CNY a million tokens: in | out | out, thinking |",
        "| 模型 | 输入不超过（token） | 元/百万 token：输入 | 输出 | 思考时输出 |",
    )
    lines = [head, "|---|--:|--:|--:|--:|"]
    for model in load().of_kind("text"):
        whole = [model.price_cny] if isinstance(model.price_cny, Mapping) else []
        for tier in model.price_tiers or whole:
            limit = tier.get("up_to_input_tokens") or model.max_input_tokens
            prices = [_a_million(tier, name) for name in ("input", "output", "thinking_output")]
            lines.append(f"| `{model.name}` | {limit:,} | {' | '.join(prices)} |")
    return "\n".join(lines)


def recognizers() -> str:
    from bailian.catalog import load
    from bailian.i18n import tr

    head = tr(
        "| model | CNY an hour | in one call | times | languages | `--language` | hot words | |",
        "| 模型 | 元/小时 | 一次调用 | 时间 | 语种 | `--language` | 热词 | |",
    )
    lines = [head, "|---|--:|---|---|---|---|---|---|"]
    for model in load().of_kind("transcription"):
        price = f"{model.price_cny * 3600:g}" if isinstance(model.price_cny, float) else ""
        if isinstance(model.price_cny, Mapping):
            price = tr("by tokens", "按 token")
        yes = tr("yes", "支持")
        called, times, told, hot = (
            yes if has else ""
            for has in (model.mode == "sync", model.word_times, model.language_hints, model.vocabulary)
        )
        spoken = " ".join(model.languages[:10]) + (f" … ({len(model.languages)})" if len(model.languages) > 10 else "")
        unknown = tr("in none of the vendor's lists; sent as named", "官方列表中没有此名称；原样发送")
        about = unknown if model.unknown_to_service else _in_language(model.description)
        about = "; ".join(part for part in (_life(model), about) if part)
        lines.append(f"| `{model.name}` | {price} | {called} | {times} | {spoken} | {told} | {hot} | {about} |")
    return "\n".join(lines)


def voices() -> str:
    from bailian.catalog import load
    from bailian.i18n import tr

    head = tr("| voice | languages | Hz | subtitles | |", "| 音色 | 语种 | 采样率 | 字幕 | |")
    lines = [head, "|---|---|--:|---|---|"]
    for model in load().of_kind("speech"):
        if not model.unknown_to_service and model.style == "prompt":
            times = tr("yes", "有") if model.word_times else tr("no", "无")
            spoken = " ".join(model.languages)
            lines.append(f"| `{model.name}` | {spoken} | {model.sample_rate_hz} | {times} | {model.description} |")
    return "\n".join(lines)


def speakers() -> str:
    from collections import Counter

    from bailian.catalog import load
    from bailian.catalog.stock_voices import is_told_a_voice, stock_voices
    from bailian.i18n import tr

    models = load()
    counts = Counter(voice.model for voice in stock_voices(models))
    head = tr(
        "| model | CNY per 10,000 | stock voices | own voices | `--instruct` | subtitles | |",
        "| 模型 | 元/万字符 | 系统音色 | 自己的音色 | `--instruct` | 字幕 | |",
    )
    sambert = sum(
        1 for model in models.of_kind("speech") if not is_told_a_voice(model) and not model.unknown_to_service
    )
    lines = [head, "|---|--:|--:|---|---|---|---|"]
    about = tr("the default; each voice is a model", "默认；每个音色就是一个模型")
    lines.append(f"| `sambert-…-v1` | 1 | {sambert} | | | {tr('most', '多数')} | {about} |")
    for model in models.of_kind("speech"):
        if is_told_a_voice(model):
            price = f"{model.price_cny:g}" if isinstance(model.price_cny, float) else tr("by tokens", "按 token")
            style = {"free": tr("free", "自由"), "fixed": tr("fixed sentences", "固定句式")}.get(model.instructions, "")
            about = "; ".join(part for part in (_life(model), _in_language(model.description)) if part)
            own = " ".join(
                {"clone": tr("cloned", "复刻"), "design": tr("designed", "设计")}[one] for one in model.own_voices
            )
            times = tr("yes", "有") if model.word_times else ""
            lines.append(f"| `{model.name}` | {price} | {counts[model.name]} | {own} | {style} | {times} | {about} |")
    return "\n".join(lines)


def _in_language(text: str) -> str:
    """Return the half of a description "中文 · English" that is wanted."""
    from bailian.i18n import tr

    chinese, _, english = text.partition(" · ")
    return tr(english or chinese, chinese)


def edit_functions() -> str:
    from bailian.i18n import tr
    from bailian.modalities.picture.wanx_functions import ARGUMENTS, FUNCTIONS

    head = tr("| `--function` | | own arguments | without a prompt |", "| `--function` | | 专用参数 | 省略提示词时 |")
    lines = [head, "|---|---|---|---|"]
    for name, function in FUNCTIONS.items():
        own = ["`--mask…`"] if function.mask else []
        for argument in function.arguments:
            rule, flag = ARGUMENTS[argument], f"`--{argument.replace('_', '-')}`"
            own.append(flag if isinstance(rule.default, bool) else f"{flag} {rule.low:g}–{rule.high:g}")
        default = function.default_prompt
        prompt = tr("required", "必填") if default is None else f"“{default}”" if default else tr("empty", "空")
        lines.append(f"| `{name}` | {function.title} | {', '.join(own)} | {prompt} |")
    return "\n".join(lines)


def script_help(name: str, subcommand: str = "") -> str:
    import importlib

    command = importlib.import_module(name).main
    command = command.commands[subcommand] if subcommand else command
    return _help(command, f"{name}.py {subcommand}".strip())


def batch_help() -> str:
    from bailian.cli.batch.command import run

    return _help(run, "bailian batch run")


def _help(command: Command, words: str) -> str:
    from bailian.cli.args.options import HELP_WORDS

    columns = 100
    with command.context_class(
        command, info_name=words, terminal_width=columns, help_option_names=HELP_WORDS
    ) as context:
        return f"```\n{command.get_help(context)}\n```"


def states() -> str:
    """Draw the states of a job from the table that the code goes by."""
    import ast
    import inspect

    from bailian.store.states import FINAL_STATES, TRANSITIONS, Status

    body = ast.parse(inspect.getsource(Status)).body[0].body  # type: ignore[attr-defined]
    meanings = {
        before.targets[0].id.lower(): after.value.value
        for before, after in pairwise(body)
        if isinstance(before, ast.Assign) and isinstance(after, ast.Expr)
    }
    lines = ["| state | what it means | may become |", "|---|---|---|"]
    for state, after in TRANSITIONS.items():
        name = f"**{state}**" if state in FINAL_STATES else str(state)
        lines.append(f"| {name} | {meanings[state]} | {', '.join(one for one in after if one != state)} |")
    return "\n".join(lines)


BLOCKS = {
    "states": states,
    "exit-codes": exit_codes,
    "image-models": image_models,
    "video-models": video_models,
    "text-models": text_models,
    "text-prices": text_prices,
    "recognizers": recognizers,
    "voices": voices,
    "speakers": speakers,
    "edit-functions": edit_functions,
    "help": lambda: script_help("text2image"),
    "help-text2video": lambda: script_help("text2video"),
    "help-image-edit": lambda: script_help("image_edit"),
    "help-wanx-edit": lambda: script_help("wanx_edit"),
    "help-text2text": lambda: script_help("text2text"),
    "help-audio-tts": lambda: script_help("audio", "tts"),
    "help-audio-asr": lambda: script_help("audio", "asr"),
    "help-batch-run": batch_help,
}


def filled(text: str) -> str:
    return BLOCK.sub(lambda match: f"{match.group(1)}{BLOCKS[match.group('name')]()}\n{match.group(3)}", text)


def main() -> None:
    """Fill the pages of the language that this process speaks; help texts are fixed when modules load."""
    for name in PAGES[os.environ["BAILIAN_LANG"]]:
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
            for language in PAGES
        ]
        sys.exit(max(codes))
