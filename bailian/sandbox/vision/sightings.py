"""What was seen of one picture or film, and how it is put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bailian.sandbox.vision.colours import in_words


@dataclass(frozen=True)
class Drawn:
    """What the sandbox remembers of a picture that it has drawn itself."""

    prompt: str
    model: str


@dataclass(frozen=True)
class Label:
    """A line of text in a picture, and the box that it fills."""

    text: str
    box: tuple[int, int, int, int]
    """Left, top, right and lower edge."""


@dataclass(frozen=True)
class Sighting:
    """One picture or film that was looked at."""

    kind: str
    """"image" or "video"."""
    width: int
    height: int
    colours: tuple[str, ...]
    """The dominant ones, by their English names, the largest first."""
    tokens: int
    drawn: Drawn | None = None
    labels: tuple[Label, ...] = ()
    """The lines that stand in a picture, as far as they can be read."""
    seconds: float = 0.0
    """Of a film."""
    frames: int = 0
    """How many pictures of a film were looked at."""
    stands_in: str = ""
    """The address for which a placeholder was looked at, if one was."""


def describe(sightings: Sequence[Sighting], *, chinese: bool) -> str:
    """Say what was seen, each by its number when there are several."""
    tell = _in_chinese if chinese else _in_english
    told = [tell(sighting) for sighting in sightings]
    if len(told) == 1:
        return told[0]
    number = "第 {} 个：" if chinese else "{}: "
    gap = "" if chinese else " "
    return gap.join(number.format(index) + words for index, words in enumerate(told, 1))


def _in_english(seen: Sighting) -> str:
    what = "a picture" if seen.kind == "image" else f"a film of {seen.seconds:g} seconds"
    text = f"{what} of {seen.width}×{seen.height}, mostly {in_words(seen.colours, chinese=False)}"
    if seen.kind == "video":
        text += f" ({seen.frames} frames looked at)"
    if seen.drawn is not None:
        text += f'; the sandbox itself has made it, as {seen.drawn.model}, for the prompt "{seen.drawn.prompt}"'
    if seen.stands_in:
        text += "; it stands in for a file on another computer, which the sandbox never asks"
    return text[0].upper() + text[1:] + "."


def _in_chinese(seen: Sighting) -> str:
    what = "一张图片" if seen.kind == "image" else f"一段 {seen.seconds:g} 秒的视频"
    text = f"{what}，{seen.width}×{seen.height}，主要是{in_words(seen.colours, chinese=True)}"
    if seen.kind == "video":
        text += f"（看了 {seen.frames} 帧）"
    if seen.drawn is not None:
        text += f"；这是沙箱以 {seen.drawn.model} 的名义制作的，提示词是“{seen.drawn.prompt}”"
    if seen.stands_in:
        text += "；它代替了别的计算机上的文件，沙箱从不访问别的计算机"
    return text + "。"
