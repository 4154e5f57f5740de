"""File names: a template with safe fields, on every system."""

from __future__ import annotations

import errno
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from bailian.errors import InvalidRequest
from bailian.i18n import tr

DEFAULT_TEMPLATE = "{date}-{time}_{model}_{prompt}_{seed}_{index}"
FIELDS = ("date", "time", "model", "prompt", "seed", "n", "task_id", "index")
PROMPT_CHARS = 40
# 255 bytes is the limit of ext4, APFS and NTFS names; room is left for a number, the suffix and ".part".
NAME_MAX_BYTES = 200
# Behind a name there must be room for a number, the suffix, and ".json" for what tells how it was made.
ROOM = "-99.webp.json"
# Of so many folders it is remembered how long the names are that they took: characters and bytes of the longest.
FOLDERS_KNOWN = 256
_taken_lengths: dict[tuple[str, bool], tuple[int, int]] = {}
# eCryptfs (encrypted homes, Synology's encrypted folders) takes 143 bytes, whole paths on Windows 260 characters.
SHORT_MAX_BYTES = 100
PLAIN_MAX_BYTES = 80
PLAIN_TEMPLATE = "{date}-{time}_{model}_{seed}_{index}"
# What a system says to the name itself: too long, or characters that it cannot write.
_REFUSALS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
# Microsoft, "System Error Codes": path not found (one too long), buffer overflow, invalid name, bad path, name too long.
_WINDOWS_REFUSALS = (3, 111, 123, 161, 206)
# Microsoft, "Naming Files, Paths, and Namespaces": device names and forbidden characters; the rest of what is
# forbidden here would break "one path a line" or drive a terminal.
_RESERVED = re.compile(r"^(con|prn|aux|nul|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_AROUND_PATH = re.compile(r"^\w+://[^/?#]*|[?#].*", re.DOTALL)
_FORBIDDEN = re.compile('[\x00-\x1f\x7f-\x9f{}<>:"|?*\u202a-\u202e\u2066-\u2069\ud800-\udfff]')

# "\\w" is what str.isalnum() says, and "_", which separates fields here.
_NO_NAME = re.compile(r"[^\w.-]|_")
_DASHES = re.compile(r"-{2,}")
NAMED_INPUTS = ("file", "image", "video", "continue", "references", "document", "link")
"""The fields that tell best what a request without a prompt is about."""
_FIELD = re.compile(r"\{(\w+)\}")
_SEPARATORS = re.compile(r"([-_ .])[-_ .]*(?=[-_ .])")


def check_template(template: str, others: Iterable[str] = ()) -> None:
    """Refuse a template that names an unknown field, or leads out of the output folder. `others` are told as fields, too.

    Raises:
        InvalidRequest: with the allowed fields.
    """
    allowed = " ".join(f"{{{name}}}" for name in (*FIELDS, *others))
    for name in re.findall(r"\{([^{}]*)\}", template):
        if name not in FIELDS:
            raise InvalidRequest.one(
                "name", tr(f"unknown field {{{name}}}; allowed: {allowed}", f"未知字段 {{{name}}}；可用：{allowed}")
            )
    rest = re.sub(r"\{[^{}]*\}", "x", template)
    parts = PurePosixPath(rest.replace("\\", "/")).parts
    if not rest.strip() or _FORBIDDEN.search(rest) or ".." in parts or rest.startswith(("/", "\\")):
        raise InvalidRequest.one(
            "name",
            tr(
                f"{template!r} is not a name below the output folder; fields: {allowed}",
                f"{template!r} 不是输出目录内的文件名；可用字段：{allowed}",
            ),
        )


def render(template: str, values: Mapping[str, object]) -> str:
    """Return the relative path, without suffix. An absent value disappears with its separator.

    A template without `{index}` gets it at its end when `n` is above 1, so that pictures of one task
    are told apart.
    """
    if "{index}" not in template and int(str(values.get("n") or 1)) > 1:
        template += "_{index}"
    parts = []
    for fields in _parts(template):
        # One after the other: what stands between the fields, and what they hold.
        words = [_safe(word, _word(values.get(word))) if at % 2 else word for at, word in enumerate(fields)]
        filled = "".join(words)
        filled = _SEPARATORS.sub("", filled).strip("-_ .")
        parts.append(_fit(filled or "file"))
    return "/".join(parts)


@lru_cache(maxsize=64)
def _parts(template: str) -> tuple[list[str], ...]:
    """Return the parts of a template's path, each taken apart at its fields."""
    return tuple(_FIELD.split(part) for part in template.replace("\\", "/").split("/"))


def without_suffix(template: str, suffixes: Iterable[str]) -> str:
    """Return "cat" for "cat.png", where a suffix like that follows anyway."""
    stem, _, suffix = template.rpartition(".")
    return stem if stem and suffix.lower() in suffixes else template


def _word(value: object) -> str | int | float | None:
    """Return what can stand in a name; a seed that the service told may be a list."""
    return value if isinstance(value, str | int | float) else None


def about(request: Mapping[str, Any]) -> str:
    """Return what a request is about: its prompt, else the names of what goes in."""
    found = [request.get(name) for name in NAMED_INPUTS]
    words = [word for one in found for word in (one if isinstance(one, list) else [one]) if isinstance(word, str)]
    return str(request.get("prompt") or ", ".join(filter(None, map(stem_of, words))))


def stem_of(word: str) -> str:
    """Return the name without suffix of a path or URL, for a file of the same name: "会议 1.final.mp3" → "会议 1.final"."""
    url = word.startswith(("https://", "http://", "oss://", "file://"))
    path = unquote(_AROUND_PATH.sub("", word)) if url else word
    name = re.sub(r"[\\/]", "/", path).rstrip("/").rpartition("/")[2]
    return as_name(name.rpartition(".")[0] or name) or "file"


def as_name(text: str) -> str:
    """Return a text as it may stand in a name, where a slash leads to no folder; it may be empty."""
    safe = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", text)).replace("/", "-").replace("\\", "-").strip(" .")
    return _fit(safe) if safe else ""


@lru_cache(maxsize=256, typed=True)
def _safe(field: str, value: object) -> str:
    """Return the value as a part of a name; most fields of a batch's rows are the same."""
    if value is None or value == "":
        return ""
    text = str(value)
    if field == "seed":
        text = f"s{text}"
    text = _DASHES.sub("-", _NO_NAME.sub("-", unicodedata.normalize("NFC", text))).strip("-. ")
    return text[:PROMPT_CHARS] if field == "prompt" else text


def shorter(name: str) -> str:
    """Return a name for systems that take no long ones, without the characters that the locale lacks."""
    encoding = sys.getfilesystemencoding()
    words = name.encode(encoding, "ignore").decode(encoding).split("_")
    return _fit("_".join(filter(None, (word.strip("-. ") for word in words))), SHORT_MAX_BYTES)


def plain(name: str, facts: str = "") -> str:
    """Return what is ASCII of a name, and the words of `facts` that are not in it: "猫_s7" → "s7_20260102"."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = [word.strip("-. ") for word in _DASHES.sub("-", ascii_only).split("_")]
    words += [word for word in facts.split("_") if word not in words]
    return _fit("_".join(filter(None, words)), PLAIN_MAX_BYTES)


def _fit(name: str, max_bytes: int = NAME_MAX_BYTES) -> str:
    """Shorten the longest word until the name fits: usually the prompt, whose end matters least."""
    words = name.split("_")
    while len("_".join(words).encode("utf-8")) > max_bytes:
        longest = max(range(len(words)), key=lambda i: len(words[i].encode("utf-8")))
        words[longest] = words[longest][:-1]
        words = [word for word in words if word]
    name = "_".join(words).strip("-_ .") or "file"
    return f"_{name}" if _RESERVED.match(name) else name


def refuses_name(error: BaseException) -> bool:
    """Return whether file system or locale refuse a name itself: another one may be taken."""
    if isinstance(error, UnicodeEncodeError):
        return True
    codes = (getattr(error, "errno", None), getattr(error, "winerror", None))
    return isinstance(error, OSError) and (codes[0] in _REFUSALS or codes[1] in _WINDOWS_REFUSALS)


def fits(folder: Path, name: str) -> bool:
    """Return whether an existing folder takes a name with this stem, as far as asking for it tells.

    Of ten thousand alike only those are asked for that are longer than all before, or have odd characters.
    """
    place, lengths = (str(folder), name.isascii()), _usual_lengths(name)
    known = _taken_lengths.get(place, (0, 0))
    if lengths and lengths[0] <= known[0] and lengths[1] <= known[1]:
        return True
    try:
        os.lstat(f"{folder}{os.sep}{name}{ROOM}")
    except (OSError, UnicodeEncodeError) as error:
        if refuses_name(error):
            return False
    if lengths:
        if len(_taken_lengths) >= FOLDERS_KNOWN:
            _taken_lengths.clear()
        _taken_lengths[place] = max(known[0], lengths[0]), max(known[1], lengths[1])
    return True


def _usual_lengths(name: str) -> tuple[int, int] | None:
    """Return the characters and bytes of a name of letters and digits; None of one that has others, or no bytes here."""
    if not name.replace("_", "").replace("-", "").isalnum():
        return None
    try:
        return len(name), len(os.fsencode(name))
    except UnicodeEncodeError:
        return None


def made_folder(wanted: Path) -> Path:
    """Make a folder; of its parts, those that are refused get a shorter name, or an ASCII one. Return what was made.

    Raises:
        OSError: it cannot be made, and its name is not the reason.
    """
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except (OSError, UnicodeEncodeError) as error:
        if not refuses_name(error):
            raise
    else:
        return wanted
    made = Path(wanted.anchor)
    for part in wanted.parts[1 if wanted.anchor else 0 :]:
        made = _made_part(made, part)
    return made


def _made_part(parent: Path, wanted: str) -> Path:
    last: BaseException | None = None
    for name in dict.fromkeys((wanted, shorter(wanted), plain(wanted))):
        try:
            (parent / name).mkdir(exist_ok=True)
            return parent / name
        except (OSError, UnicodeEncodeError) as error:  # noqa: PERF203 - three names at most
            if not refuses_name(error):
                raise
            last = error
    raise last_refusal(last)


def last_refusal(error: BaseException | None) -> OSError:
    """Return the last refusal as what callers expect of a file."""
    return error if isinstance(error, OSError) else OSError(errno.EILSEQ, os.strerror(errno.EILSEQ))
