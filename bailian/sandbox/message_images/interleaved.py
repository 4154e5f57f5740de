"""An answer of texts and pictures in turn: what it says, and the frames that bring it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bailian.sandbox.text.tokens import tokens_of

TOKENS_A_PIECE = 4
SHOWN_CHARS = 60


@dataclass(frozen=True)
class Part:
    """One part of the answer: a text, or the picture of that index."""

    text: str = ""
    picture: int | None = None


def parts(prompt: str, pictures: int) -> list[Part]:
    """Return a text before each picture, and one at the end."""
    chinese = not prompt.isascii()
    made: list[Part] = []
    for index in range(pictures):
        made += [Part(caption(prompt, index, pictures)), Part(picture=index)]
    end = "以上是全部内容。（沙箱）" if chinese else "That is all. (sandbox)"
    return [*made, Part(end)]


def caption(prompt: str, index: int, pictures: int) -> str:
    """Return the text before a picture; the picture itself shows it, too."""
    shown = " ".join(prompt.split())[:SHOWN_CHARS]
    if prompt.isascii():
        return f"Step {index + 1} of {pictures}: {shown}"
    return f"第{index + 1}步（共{pictures}步）：{shown}"


def pieces(whole: Sequence[Part]) -> Iterator[Part]:
    """Yield the parts as a stream brings them: texts in pieces, each picture at once."""
    for part in whole:
        if part.picture is not None:
            yield part
            continue
        tokens = tokens_of(part.text)
        for start in range(0, len(tokens), TOKENS_A_PIECE):
            yield Part("".join(tokens[start : start + TOKENS_A_PIECE]))
