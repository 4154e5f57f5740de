"""Speech with Alibaba Bailian: text to speech (Sambert), speech to text (Paraformer)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, SharedOptions, flag, json_option, option, shared_options, switch
from bailian.i18n import tr


@click.group(
    help=tr(
        "Speak a text (tts), write down a recording (asr), list the voices.",
        "语音合成（tts）、语音识别（asr）、列出音色（voices）。",
    )
)
def main() -> None:
    pass


@main.command(
    help=tr(
        "Speak TEXT (`-`, or none with a pipe, reads it from stdin) and print the path of the sound.",
        "朗读 TEXT 并输出音频文件路径（`-`，或在管道中省略，表示从 stdin 读取）。",
    )
)
@click.argument("text", required=False)
@option(
    "--file FILE", "Speak a text file instead.", "改为朗读文本文件。", type=click.Path(path_type=Path, allow_dash=True)
)
@option(
    "-m --model --voice model NAME",
    "Voice; `voices` lists them [default: sambert-zhichu-v1].",
    "音色，见子命令 `voices` [默认: sambert-zhichu-v1]。",
)
@option("--format FORMAT", "wav, mp3 or pcm [default: wav].", "wav、mp3 或 pcm [默认: wav]。")
@option(
    "--sample-rate HZ",
    "Samples a second [default: the voice's own].",
    "采样率 [默认: 音色自身的采样率]。",
    type=WHOLE_NUMBER,
)
@option("--volume N", "0 to 100 [default: 50].", "音量，0 到 100 [默认: 50]。", type=WHOLE_NUMBER)
@option("--rate X", "Speed, 0.5 to 2.0 [default: 1.0].", "语速，0.5 到 2.0 [默认: 1.0]。", type=float)
@option("--pitch X", "0.5 to 2.0 [default: 1.0].", "音高，0.5 到 2.0 [默认: 1.0]。", type=float)
@option("--subtitles FORMAT", "Write subtitles beside the sound: srt or vtt.", "在音频旁写字幕：srt 或 vtt。")
@shared_options
def tts(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.sound import speak

    return speak(fields, common)


@main.command(
    help=tr(
        "Write down the speech of recordings (paths, file://… or URLs) and print the paths of the transcripts.",
        "识别录音中的语音（路径、file://… 或链接），输出文稿路径。",
    )
)
@click.argument("files", nargs=-1, metavar="FILE|URL...")
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


@main.command(help=tr("List the voices; no key is needed.", "列出全部音色，无需密钥。"))
@option("--language CODE", "Only voices that speak it: zh, en …", "只列出会说该语言的音色：zh、en 等。")
@json_option
def voices(language: str | None, as_json: bool) -> None:
    from bailian.cli.scripts.sound import list_voices

    list_voices(language, as_json)
