"""The options of what goes into a film, and of the functions of wanx2.1-vace-plus."""

from __future__ import annotations

from typing import Any

import click

from bailian.cli.args.options import WHOLE_NUMBER, option, under
from bailian.cli.help.groups import INPUTS, SOME_MODELS, VACE
from bailian.errors import InvalidRequest
from bailian.i18n import tr

FUNCTIONS = "image_reference, video_repainting, video_edit, video_extension, video_outpainting"
EXAMPLES = (
    ('"the camera moves in" --image product.jpg', '"镜头推近" --image product.jpg'),
    (
        '"day turns to night" --image day.jpg --last-frame night.jpg',
        '"日夜交替" --image day.jpg --last-frame night.jpg',
    ),
    (
        '"图1 walks past 图2" --reference cat.jpg --reference street.jpg',
        '"图1 走过 图2" --reference cat.jpg --reference street.jpg',
    ),
    ('"it snows" --video clip.mp4', '"换成雪景" --video clip.mp4'),
    ('"she runs on" --continue clip.mp4', '"继续向前跑" --continue clip.mp4'),
    ('"she sings" --image singer.jpg --audio song.mp3', '"歌手演唱" --image singer.jpg --audio song.mp3'),
    ('"far away" --vace video_extension --continue clip.mp4', '"跑向远方" --vace video_extension --continue clip.mp4'),
)
"""One for each way to make a film."""


def no_count(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        text = tr(
            'a request makes one film; run it again, or use a batch with "matrix": {"seed": [1, 2, 3]}',
            '每个请求只生成一个视频；请再次运行，或在批量文件中使用 "matrix": {"seed": [1, 2, 3]}',
        )
        raise click.BadParameter(text, ctx, param)


input_options = under(
    INPUTS,
    option(
        "-i --image FILE",
        "First frame: path, file://…, URL, data:… or - (stdin).",
        "首帧：路径、file://…、链接、data:… 或 -（stdin）。",
        multiple=True,
    ),
    option(
        "--last-frame FILE",
        "Last frame, beside --image.",
        "尾帧，与 --image 一起使用。",
        multiple=True,
    ),
    option(
        "--reference FILE",
        "Picture or film of what is to be seen, up to 10 times; the prompt calls them 图1 图2 视频1 in this order.",
        "参考图片或视频，最多 10 次；提示词中按顺序称为 图1 图2 视频1。",
        multiple=True,
    ),
    option(
        "--reference-voice N=FILE",
        "Voice of reference N, from 1 (wan2.7-r2v): 2=voice.mp3.",
        "第 N 个参考（从 1 起）的音色（wan2.7-r2v）：2=voice.mp3。",
        multiple=True,
    ),
    option(
        "--video FILE",
        "Film to be edited (MP4, MOV); with --reference where the model takes it.",
        "要编辑的视频（MP4、MOV）；模型支持时可加 --reference。",
        multiple=True,
    ),
    option(
        "--continue continue_ FILE",
        "Film to go on from; its seconds are billed, too.",
        "续写的视频片段；其时长也计费。",
        multiple=True,
    ),
    option(
        "--audio FILE",
        "Sound to go with it (WAV, MP3).",
        "配音或配乐（WAV、MP3）。",
        multiple=True,
    ),
    option("--document FILE", "Document to be filmed (wan3).", "作为内容来源的文档（wan3）。", multiple=True),
    option("--link URL", "Public web page to be filmed (wan3).", "作为内容来源的公开网页（wan3）。"),
)
sound_and_story_options = under(
    SOME_MODELS,
    option(
        "--no-audio",
        "Silent, where the model has a switch for it.",
        "无声（仅部分模型支持）。",
        is_flag=True,
        default=None,
    ),
    option(
        "--audio-setting WORD",
        "Of an edit: auto (new sound) or origin (the film's own).",
        "编辑视频时的声音：auto（重新生成）或 origin（保留原声）。",
    ),
    option(
        "--shots WORD", "single or multi: one take or several (wan2.6).", "single 或 multi：单镜头或多镜头（wan2.6）。"
    ),
    option(
        "--template NAME",
        "Effect of wanx2.1 instead of a prompt: flying.",
        "wanx2.1 的特效模板，代替提示词，如 flying。",
    ),
    option("-n --n N", "", "", hidden=True, expose_value=False, callback=no_count),
)
vace_options = under(
    VACE,
    option(
        "--vace FUNCTION",
        f"Function of wanx2.1-vace-plus: {FUNCTIONS}.",
        f"wanx2.1-vace-plus 的功能：{FUNCTIONS}。",
    ),
    option("--last-clip FILE", "video_extension: the film that it ends with.", "video_extension：结尾的视频片段。", multiple=True),
    option("--mask FILE", "video_edit: picture or film, white where to edit.", "video_edit：图片或视频，白色为编辑区域。", multiple=True),
    option(
        "--mask-frame-id N", "video_edit: the frame of the mask [default: 1].", "video_edit：mask 所在的帧 [默认: 1]。", type=WHOLE_NUMBER
    ),
    option("--mask-type WORD", "video_edit: tracking or fixed.", "video_edit：tracking 或 fixed。"),
    option("--expand-ratio X", "video_edit: 0.0 to 1.0.", "video_edit：0.0 到 1.0。", type=float),
    option("--expand-mode WORD", "video_edit: hull, bbox or original.", "video_edit：hull、bbox 或 original。"),
    option(
        "--control-condition WORD",
        "What stays as in the film: posebodyface, posebody, depth, scribble.",
        "保留原视频的：posebodyface、posebody、depth、scribble。",
    ),
    option("--strength X", "video_repainting: 0.0 to 1.0.", "video_repainting：0.0 到 1.0。", type=float),
    option(
        "--obj-or-bg WORD",
        "image_reference: obj or bg, once for each --reference.",
        "image_reference：obj 或 bg，每个 --reference 一次。",
        multiple=True,
    ),
    *(
        option(f"--{side}-scale", "video_outpainting: 1.0 to 2.0.", "video_outpainting：1.0 到 2.0。", type=float, metavar="X")
        for side in ("top", "bottom", "left", "right")
    ),
)  # fmt: skip


def film_fields(
    reference: tuple[str, ...], reference_voice: tuple[str, ...], continue_: tuple[str, ...], **fields: Any
) -> dict[str, Any]:
    """Return the fields of a request under the names that rows have.

    Raises:
        InvalidRequest: a voice that does not say whose it is.
    """
    from bailian.modalities.video.voices import in_their_places

    fields["continue"] = continue_
    if reference_voice or reference:
        # A file's own voices belong to the file's own references.
        fields["reference_voices"] = in_their_places([*reference_voice]) or [""]
    if reference:
        fields |= {"references": reference, "reference_types": [""]}
    unnumbered = next((word for word in reference_voice if "=" not in word), None)
    if unnumbered is not None:
        text = tr(
            f"{unnumbered} does not say whose voice it is: --reference-voice 1={unnumbered}",
            f"{unnumbered} 未说明属于第几个参考：--reference-voice 1={unnumbered}",
        )
        raise InvalidRequest.one("reference-voice", text, advice="")
    return fields
