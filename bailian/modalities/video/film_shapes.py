"""Requests that no model could take: said in one sentence, with what to write instead, before a model is looked for."""

from __future__ import annotations

from collections.abc import Iterator

from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.video import voices
from bailian.modalities.video.video_request import VideoRequest

BEGINNINGS = ("image", "video", "continue")
ONLY_WITH_FUNCTION = {"mask": "video_edit", "last_clip": "video_extension"}


def shape_problems(request: VideoRequest) -> list[Problem]:
    """Return what is wrong with a request whatever its model."""
    found = voices.problems(request.references, request.reference_voices)
    if len(request.image) > 1:
        text = tr(
            f"{len(request.image)} pictures: one is the first frame; --last-frame takes the last one, --reference what is to be seen",
            f"给出了 {len(request.image)} 张图片：首帧只有一张；尾帧请用 --last-frame，参考图请用 --reference",
        )
        found.append(Problem("image", text))
    return found if request.vace else [*found, *_without_function(request)]


def _without_function(request: VideoRequest) -> Iterator[Problem]:
    given = [name for name in BEGINNINGS if getattr(request, "continue_" if name == "continue" else name)]
    if len(given) > 1:
        text = tr(
            "stands beside {}: image begins a new film, video is edited, continue goes on from one; give one of them",
            "与 {} 同时出现：image 用于生成新视频，video 用于编辑，continue 用于续写；只需给出其中之一",
        )
        yield Problem(given[1], text.format(given[0]))
    if request.last_frame and not (request.image or request.continue_):
        text = tr(
            "needs the frame that the film begins with: --image FILE (to go on from a clip: --continue FILE)",
            "需要同时给出首帧：--image FILE（续写视频：--continue FILE）",
        )
        yield Problem("last_frame", text)
    for name, function in ONLY_WITH_FUNCTION.items():
        if getattr(request, name):
            text = tr(
                f"belongs to a function of wanx2.1-vace-plus: --vace {function}",
                f"只用于 wanx2.1-vace-plus 的功能：--vace {function}",
            )
            yield Problem(name, text)
