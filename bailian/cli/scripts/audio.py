"""Speech with Alibaba Bailian: text to speech (Sambert), speech to text (Paraformer)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, SharedOptions, shared_options
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
@click.option(
    "--file",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help=tr("Speak a text file instead.", "改为朗读文本文件。"),
)
@click.option(
    "--model",
    "--voice",
    "model",
    metavar="NAME",
    help=tr(
        "Voice; `voices` lists them [default: sambert-zhichu-v1].",
        "音色，见子命令 `voices` [默认: sambert-zhichu-v1]。",
    ),
)
@click.option("--format", metavar="FORMAT", help=tr("wav, mp3 or pcm [default: wav].", "wav、mp3 或 pcm [默认: wav]。"))
@click.option(
    "--sample-rate",
    type=WHOLE_NUMBER,
    metavar="HZ",
    help=tr("Samples a second [default: the voice's own].", "采样率 [默认: 音色自身的采样率]。"),
)
@click.option(
    "--volume", type=WHOLE_NUMBER, metavar="N", help=tr("0 to 100 [default: 50].", "音量，0 到 100 [默认: 50]。")
)
@click.option(
    "--rate", type=float, metavar="X", help=tr("Speed, 0.5 to 2.0 [default: 1.0].", "语速，0.5 到 2.0 [默认: 1.0]。")
)
@click.option(
    "--pitch", type=float, metavar="X", help=tr("0.5 to 2.0 [default: 1.0].", "音高，0.5 到 2.0 [默认: 1.0]。")
)
@click.option(
    "--subtitles",
    metavar="FORMAT",
    help=tr("Write subtitles beside the sound: srt or vtt.", "在音频旁写字幕：srt 或 vtt。"),
)
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
@click.option(
    "--model",
    metavar="NAME",
    help=tr(
        "Model [default: paraformer-v1; once that is retired, paraformer-v2].",
        "模型 [默认: paraformer-v1；其下线后为 paraformer-v2]。",
    ),
)
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help=tr(
        "txt, srt, vtt, tsv, json or all (repeatable) [default: txt].",
        "txt、srt、vtt、tsv、json 或 all（可重复）[默认: txt]。",
    ),
)
@click.option(
    "--language",
    "language",
    multiple=True,
    metavar="CODE",
    help=tr("zh, en, ja … where the model takes it (repeatable).", "zh、en、ja 等（仅部分模型支持，可重复）。"),
)
@click.option(
    "--diarization/--no-diarization",
    "diarization_enabled",
    default=None,
    help=tr("Tell the speakers apart (mono only) [default: off].", "区分说话人（仅单声道）[默认: 关]。"),
)
@click.option(
    "--speaker-count", type=WHOLE_NUMBER, metavar="N", help=tr("How many speakers, 2 to 100.", "说话人数，2 到 100。")
)
@click.option(
    "--channel",
    "channel_id",
    type=WHOLE_NUMBER,
    multiple=True,
    metavar="N",
    help=tr(
        "Track, from 0; each is billed (repeatable) [default: 0].", "音轨，从 0 开始，按轨计费（可重复）[默认: 0]。"
    ),
)
@click.option(
    "--disfluency-removal/--no-disfluency-removal",
    "disfluency_removal_enabled",
    default=None,
    help=tr("Leave out filler words [default: off].", "过滤语气词 [默认: 关]。"),
)
@click.option(
    "--timestamp-alignment/--no-timestamp-alignment",
    "timestamp_alignment_enabled",
    default=None,
    help=tr("Mend drifting times [default: off].", "校准时间戳 [默认: 关]。"),
)
@click.option("--vocabulary-id", metavar="ID", help=tr("Hot words (v2 models).", "热词表（v2 模型）。"))
@shared_options
def asr(common: SharedOptions, **fields: Any) -> int:
    from bailian.cli.scripts.sound import transcribe

    return transcribe(fields, common)


@main.command(help=tr("List the voices; no key is needed.", "列出全部音色，无需密钥。"))
@click.option(
    "--language", metavar="CODE", help=tr("Only voices that speak it: zh, en …", "只列出会说该语言的音色：zh、en 等。")
)
@click.option("--json", "as_json", is_flag=True, help=tr("JSON on stdout.", "输出 JSON。"))
def voices(language: str | None, as_json: bool) -> None:
    from bailian.cli.scripts.sound import list_voices

    list_voices(language, as_json)
