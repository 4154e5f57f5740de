"""A plain text, one prompt a line (of recordings: one path or URL a line) → requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from bailian.batch.input.documents import BOM, RawRow
from bailian.batch.input.row_schema import form_of
from bailian.i18n import tr
from bailian.types import Notice

SUFFIX = ".txt"
COMMENT = "# "
"""A prompt may begin with a hashtag: a comment has a space behind it."""
_JSON = ("{", "[", "//")


def begins(text: TextIO) -> bool:
    """Return whether an open text is a list of prompts, and no JSON; it is read from its beginning again."""
    first = next((bare for line in text if (bare := _bare(line)) and not bare.startswith(COMMENT)), "")
    text.seek(0)
    return bool(first) and not first.startswith(_JSON)


def read(text: Iterable[str], kind: str | None, tell: Callable[[Notice], None]) -> Iterator[RawRow]:
    """Yield a request for each line that is neither blank nor a comment."""
    field = (form_of(kind).text_field if kind else None) or ("file" if kind == "transcription" else "prompt")
    told = False
    for number, line in enumerate(text, 1):
        bare = _bare(line)
        if bare.startswith(COMMENT) and not told:
            tell(
                Notice(
                    "comment_lines",
                    tr(
                        f'line {number} begins with "# ": such lines are comments',
                        f"第 {number} 行以“# ”开头：此类行视为注释",
                    ),
                )
            )
            told = True
        if bare and not bare.startswith(COMMENT):
            yield RawRow(f"line {number}", {field: bare})


def _bare(line: str) -> str:
    return line.removeprefix(BOM).strip()
