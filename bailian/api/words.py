"""What errors and notices advise, in the words of a program: keywords instead of options.

Many sentences below name an option of the shell, since most users have one. Here, at the door of a program, an option
becomes the keyword of the same thing. What is part of a command (`bailian …`, `ffmpeg …`) stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from bailian.api import keywords
from bailian.errors import BailianError, InvalidRequest
from bailian.types import Notice

OTHER_NAMES = {
    "reference": "references",
    "max-cost": "max_cost_cny",
    "timeout": "timeout_s",
    "config": "source",
    "no-wait": "wait=False",
    "continue": "continue_",
    "text": "prompt",
    "channel": "channel_id",
    "diarization": "diarization_enabled",
    "timestamp-alignment": "timestamp_alignment_enabled",
    "disfluency-removal": "disfluency_removal_enabled",
    "itn": "enable_itn",
    "schema": "ocr_schema",
    "function": "function",
    "prompt": "prompt",
    "file": "file",
    "vectors": "vectors",
    "batch-api": "batch_api",
}
"""Options whose keyword is called otherwise."""
_OPTION = re.compile(
    r"(?P<command>\bbailian [a-z][^\n;；，`]*)"
    r"|(?<![\w-])(?:--(?P<long>[a-z][a-z-]*[a-z])|(?P<short>-o)(?![\w-]))(?P<value> (?=\d|[A-Z]{1,9}\b/?))?"
)


@cache
def _keywords() -> frozenset[str]:
    own = (one for one in vars(keywords).values() if isinstance(one, type) and one.__module__ == keywords.__name__)
    return frozenset(name for one in own for name in getattr(one, "__annotations__", {}))


def in_python(text: str) -> str:
    """Return a sentence with the shell's options as keywords: `--top-scale 1.5` is `top_scale=1.5`."""
    return _OPTION.sub(_keyword, text)


def _keyword(found: re.Match[str]) -> str:
    if found["command"]:
        return found[0]
    option = "output" if found["short"] else found["long"]
    name = OTHER_NAMES.get(option) or option.replace("-", "_")
    if name not in OTHER_NAMES.values() and name not in _keywords():
        name = name.removeprefix("no_")
        if name not in _keywords():
            return found[0]
        name += "=False"
    return f"{name}=" if found["value"] and "=" not in name else name


def told(notice: Notice) -> Notice:
    """Return a notice in the words of a program."""
    return replace(notice, message=in_python(notice.message))


def in_words_of_python(error: BailianError) -> BailianError:
    """Put an error into the words of a program; return it."""
    error.message, error.advice = in_python(error.message), in_python(error.advice)
    error.args = (error.message,)
    if isinstance(error, InvalidRequest):
        error.problems = tuple(replace(one, message=in_python(one.message)) for one in error.problems)
    return error
