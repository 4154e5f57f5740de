"""Speech with Alibaba Bailian: text to speech, speech to text, the voices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bailian.cli.account import with_account
from bailian.cli.args.options import (
    CONTEXT,
    WHOLE_NUMBER,
    SharedOptions,
    argument,
    flag,
    json_option,
    option,
    shared_options,
    switch,
    together,
    verbosity_options,
)
from bailian.cli.help.groups import REQUEST
from bailian.cli.help.help_command import HelpGroup
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.config.settings import Settings


@click.group(
    cls=HelpGroup,
    examples=(
        ('tts "Hello there" --sandbox', 'tts "你好" --sandbox'),
        ("voices --language en", "voices --language zh"),
    ),
    context_settings=CONTEXT,
    help=tr(
        "Speak a text (tts), write down a recording (asr), list the voices.",
        "语音合成（tts）、语音识别（asr）、列出音色（voices）。",
    ),
)
def main() -> None:
    pass


@main.command(
    own=REQUEST,
    examples=(
        ('"Hello there" -o hello.mp3', '"你好" -o hello.mp3'),
        ("--file story.txt --voice Cherry -o story.wav", "--file story.txt --voice Cherry -o story.wav"),
    ),
    help=tr(
        "Speak TEXT (`-`, or none with a pipe, reads it from stdin) and print the path of the sound.",
        "朗读文本并输出音频文件路径（`-`，或在管道中省略，表示从 stdin 读取）。",
    ),
)
@argument("text [TEXT]", required=False)
@option(
    "--file FILE", "Speak a text file instead.", "改为朗读文本文件。", type=click.Path(path_type=Path, allow_dash=True)
)
@option(
    "--voice NAME",
    "Voice; `voices` lists them. Alone, it takes the cheapest model that has it.",
    "音色，见子命令 `voices`。单独指定时使用拥有该音色的最便宜模型。",
)
@option(
    "-m --model NAME",
    "Model; of Sambert each voice is one [default: sambert-zhichu-v1].",
    "模型；Sambert 的每个音色就是一个模型 [默认: sambert-zhichu-v1]。",
)
@option("--format FORMAT", "wav, mp3, pcm or opus [default: wav].", "wav、mp3、pcm 或 opus [默认: wav]。")
@option(
    "--sample-rate HZ",
    "Samples a second [default: the voice's own].",
    "采样率 [默认: 音色自身的采样率]。",
    type=WHOLE_NUMBER,
)
@option("--bit-rate KBPS", "Of mp3 and opus, 6 to 510.", "mp3 与 opus 的码率，6 到 510。", type=WHOLE_NUMBER)
@option("--volume N", "0 to 100 [default: 50].", "音量，0 到 100 [默认: 50]。", type=WHOLE_NUMBER)
@option("--rate X", "Speed, 0.5 to 2.0 [default: 1.0].", "语速，0.5 到 2.0 [默认: 1.0]。", type=float)
@option("--pitch X", "0.5 to 2.0 [default: 1.0].", "音高，0.5 到 2.0 [默认: 1.0]。", type=float)
@option("--instruct TEXT", "The style in words, where the voice takes it.", "用文字指定语气（仅部分音色支持）。")
@switch("--ssml/--no-ssml ssml", "TEXT is SSML, all of it inside <speak>.", "文本为 SSML，全部内容在 <speak> 之内。")
@option("--seed N", "0 to 65535: the same again.", "0 到 65535，相同种子结果一致。", type=WHOLE_NUMBER)
@option(
    "--pronounce FILE",
    'JSON: {"word": "how it is said"}.',
    'JSON：{"词": "读音"}。',
)
@option("--language CODE", "The language of the text: zh, en …", "文本的语言：zh、en 等。")
@switch("--http/--no-http http", "Call it over HTTP instead of the socket.", "通过 HTTP 而不是 WebSocket 调用。")
@option(
    "--subtitles FORMAT",
    "Write subtitles beside the sound: srt, vtt, lrc or ass.",
    "在音频旁写字幕：srt、vtt、lrc 或 ass。",
)
@shared_options
def tts(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.sound import speak

    return speak(fields, common)


@main.command(
    own=REQUEST,
    examples=(
        ("talk.mp3 -f srt", "talk.mp3 -f srt"),
        ("a.wav b.wav --fast -o texts/", "a.wav b.wav --fast -o texts/"),
    ),
    help=tr(
        "Write down the speech of recordings (paths, file://… or URLs) and print the paths of the transcripts.",
        "识别录音中的语音（路径、file://… 或链接），输出文稿路径。",
    ),
)
@argument("files FILE|URL...", nargs=-1)
@option(
    "-m --model NAME",
    "Model [default: paraformer-v1; once that is retired, paraformer-v2].",
    "模型 [默认: paraformer-v1；其下线后为 paraformer-v2]。",
)
@flag(
    "--fast",
    "Up to 5 minutes in one call, text alone (qwen3-asr-flash).",
    "5 分钟以内一次调用，只要文本（qwen3-asr-flash）。",
)
@option(
    "-f --format formats FORMAT",
    "txt, srt, vtt, tsv, json, lrc, ass; all: the first five (repeatable) [default: txt].",
    "txt、srt、vtt、tsv、json、lrc、ass；all 为前五种（可重复）[默认: txt]。",
    multiple=True,
)
@option(
    "--language CODE",
    "zh, en, ja … where the model takes it (repeatable).",
    "zh、en、ja 等（仅部分模型支持，可重复）。",
    multiple=True,
)
@switch(
    "--diarization/--no-diarization diarization_enabled",
    "Tell the speakers apart (mono only) [default: off].",
    "区分说话人（仅单声道）[默认: 关]。",
)
@option("--speaker-count N", "How many speakers, 2 to 100.", "说话人数，2 到 100。", type=WHOLE_NUMBER)
@option(
    "--channel channel_id N",
    "Track, from 0; each is billed (repeatable) [default: 0].",
    "音轨，从 0 开始，按轨计费（可重复）[默认: 0]。",
    type=WHOLE_NUMBER,
    multiple=True,
)
@switch(
    "--disfluency-removal/--no-disfluency-removal disfluency_removal_enabled",
    "Leave out filler words [default: off].",
    "过滤语气词 [默认: 关]。",
)
@switch(
    "--timestamp-alignment/--no-timestamp-alignment timestamp_alignment_enabled",
    "Mend drifting times [default: off].",
    "校准时间戳 [默认: 关]。",
)
@option(
    "--hot-words FILE",
    "Words that may be said: one a line, its weight (1 to 5) behind it; or JSON.",
    "热词：每行一个词，后跟权重（1 到 5）；或 JSON。",
)
@option("--vocabulary-id ID", "A list of hot words that exists.", "已有的热词表。")
@option(
    "--context TEXT",
    "Text with words that may be said (repeatable).",
    "含可能出现的词语的文本（可重复）。",
    multiple=True,
)
@switch(
    "--itn/--no-itn enable_itn",
    "Write numbers as digits (qwen3 models) [default: off].",
    "数字写成阿拉伯数字（qwen3 模型）[默认: 关]。",
)
@shared_options
def asr(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.sound import transcribe

    return transcribe(fields, common)


@main.group(
    invoke_without_command=True,
    examples=(
        ("--language en", "--language en"),
        ("-m qwen3-tts-flash", "-m qwen3-tts-flash"),
    ),
    help=tr("List the voices; no key is needed.", "列出全部音色，无需密钥。"),
)
@option("-m --model NAME", "Only the voices of this model.", "只列出该模型的音色。")
@option("--language CODE", "Only voices that speak it: zh, en …", "只列出会说该语言的音色：zh、en 等。")
@json_option
@click.pass_context
def voices(context: click.Context, model: str | None, language: str | None, as_json: bool) -> None:
    from bailian.cli.sounds.voice_list import list_voices

    if context.invoked_subcommand is None:
        list_voices(model, language, as_json)


@voices.group(
    examples=(
        ("list", "list"),
        ("delete VOICE_ID", "delete VOICE_ID"),
    ),
    help=tr("Your own voices: list, clone, design, delete.", "自己的音色：列出、复刻、设计、删除。"),
)
def own() -> None:
    pass


yes_option = flag("--yes", "Do not ask.", "不再询问。")
name_option = option(
    "--name NAME",
    "Part of its id: 1 to 10 letters and digits.",
    "音色编号的一部分：1 到 10 个字母或数字。",
    required=True,
)
target_option = option("-m --model NAME", "The model that it is for.", "所用的模型。", required=True)
language_option = option("--language CODE", "What it speaks: zh, en …", "所说的语言：zh、en 等。")


@own.command(
    "list",
    examples=(
        ("", ""),
        ("--json", "--json"),
    ),
    help=tr("List your own voices.", "列出自己的音色。"),
)
@verbosity_options
@with_account
def own_list(here: Settings, as_json: bool, **_talk: bool) -> int:
    from bailian.cli.sounds.voice_making import list_own

    return list_own(here, as_json)


@own.command(
    examples=(
        (
            "https://example.com/me.wav -m cosyvoice-v3-flash --name me",
            "https://example.com/me.wav -m cosyvoice-v3-flash --name me",
        ),
        (
            "https://example.com/me.wav -m cosyvoice-v3-flash --name me --yes",
            "https://example.com/me.wav -m cosyvoice-v3-flash --name me --yes",
        ),
    ),
    help=tr(
        "Make a voice of the recording at URL (public, 10 to 15 s).",
        "用该 URL 的录音复刻音色（公网链接，10 到 15 秒）。",
    ),
)
@argument("url URL")
@together(target_option, name_option, language_option, yes_option)
@verbosity_options
@with_account
def clone(here: Settings, url: str, yes: bool, as_json: bool, quiet: bool, verbose: bool, **given: Any) -> int:
    from bailian.cli.sounds.voice_making import clone as make

    return make(here, url, given, yes=yes, as_json=as_json)


@own.command(
    examples=(
        (
            '"a calm old man" -m cosyvoice-v3-plus --name sage --preview "Once upon a time, long ago"',
            '"沉稳的老人" -m cosyvoice-v3-plus --name sage --preview "很久以前，在一个遥远的小山村里"',
        ),
        (
            '"a lively girl" -m cosyvoice-v3-plus --name girl --preview "Good morning, everybody" -o girl.wav',
            '"活泼的女孩" -m cosyvoice-v3-plus --name girl --preview "大家早上好，今天天气真不错呀" -o girl.wav',
        ),
    ),
    help=tr("Make a voice of the words of PROMPT.", "用提示词的描述设计音色。"),
)
@argument("prompt PROMPT")
@together(
    target_option,
    name_option,
    option(
        "--preview TEXT", "What it says first, 15 to 200 characters.", "试听文本，15 到 200 个字符。", required=True
    ),
    option("-o --output FILE", "Save that as a WAV.", "把试听保存为 WAV。"),
    language_option,
    yes_option,
)
@verbosity_options
@with_account
def design(here: Settings, prompt: str, yes: bool, as_json: bool, quiet: bool, verbose: bool, **given: Any) -> int:
    from bailian.cli.sounds.voice_making import design as make

    return make(here, prompt, given, yes=yes, as_json=as_json)


@own.command(
    examples=(
        ("VOICE_ID", "VOICE_ID"),
        ("VOICE_ID --yes", "VOICE_ID --yes"),
    ),
    help=tr("Delete a voice.", "删除音色。"),
)
@argument("voice VOICE")
@yes_option
@verbosity_options
@with_account
def delete(here: Settings, voice: str, yes: bool, **_talk: bool) -> int:
    from bailian.cli.sounds.voice_making import delete as forget

    return forget(here, voice, yes=yes)
