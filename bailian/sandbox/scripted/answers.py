"""One scripted answer: what it says, and which requests get it. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bailian.i18n import tr
from bailian.sandbox.scripted import fields
from bailian.sandbox.scripted.fields import WrongField, read_fields
from bailian.sandbox.scripted.patterns import Conversation, fits_glob, fits_text, read_pattern

Kind = Literal["text", "picture", "transcript", "error", "delay"]

PICTURE_TYPES = {
    b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"GIF8": "image/gif",
    b"BM": "image/bmp",
}  # fmt: skip

ReadPicture = Callable[[str], bytes]
"""Returns the bytes of a picture that an entry names, or raises ValueError."""


@dataclass(frozen=True)
class ScriptedCall:
    """A call of a tool."""

    name: str
    arguments: str
    """JSON."""


@dataclass(frozen=True)
class ScriptedError:
    """A refusal in the service's shape."""

    code: str
    message: str
    status: int


@dataclass(frozen=True)
class ScriptedAnswer:
    """What some requests get instead of what the sandbox makes up."""

    model: str = "*"
    """A glob."""
    prompt: str = ""
    """A part of the prompt, or a /regular expression/; empty: any."""
    turn: int | None = None
    """Only the so-manieth answer of a conversation."""
    times: int | None = None
    """How often; None: always."""
    text: str | None = None
    thought: str | None = None
    """Told when the request lets the model think."""
    tool_calls: tuple[ScriptedCall, ...] = ()
    picture: bytes | None = None
    """A file that stands in for each picture of the result."""
    transcript: str | None = None
    """What is heard; a line is a sentence."""
    error: ScriptedError | None = None
    delay_s: float = 0.0
    """How long the answer waits, before anything else happens."""

    @property
    def kind(self) -> Kind:
        if self.error is not None:
            return "error"
        if self.picture is not None:
            return "picture"
        if self.transcript is not None:
            return "transcript"
        return "text" if self.text is not None or self.thought is not None or self.tool_calls else "delay"

    def fits(self, about: Conversation) -> bool:
        """Return whether a request gets this answer; a call of tools is no answer to a tool's result by itself."""
        if self.turn is not None and self.turn != about.turn:
            return False
        if self.tool_calls and self.turn is None and about.after_tool:
            return False
        return fits_glob(self.model, about.model) and fits_text(self.prompt, about.prompt)

    def as_json(self) -> dict[str, Any]:
        """Return the fields that are set, for people to read."""
        said: dict[str, Any] = {"model": self.model, "prompt": self.prompt, "turn": self.turn, "times": self.times}
        said |= {"text": self.text, "thought": self.thought, "transcript": self.transcript}
        said["tool_call"] = [{"name": one.name, "arguments": one.arguments} for one in self.tool_calls]
        said["picture"] = f"({len(self.picture)} bytes)" if self.picture else None
        said["error"] = None if self.error is None else vars(self.error)
        said["delay_s"] = self.delay_s
        return {name: value for name, value in said.items() if value not in (None, "", [], 0.0)}


def read_answer(entry: Any, read_picture: ReadPicture) -> ScriptedAnswer:
    """Return the answer that an entry describes.

    Raises:
        WrongField: it describes none.
    """
    readers: dict[str, fields.Read] = {
        "model": fields.word,
        "prompt": read_pattern,
        "turn": fields.whole(1),
        "times": fields.whole(1),
        "text": fields.text,
        "thought": fields.text,
        "tool_call": _calls,
        "picture": lambda value: _picture(value, read_picture),
        "transcript": fields.text,
        "error": _error,
        "delay_s": fields.seconds,
    }
    values = read_fields(entry, readers, "an answer")
    said: list[str] = [name for name in ("text", "picture", "transcript", "error") if name in values]
    if "text" not in said and ("thought" in values or "tool_call" in values):
        said.insert(0, "thought" if "thought" in values else "tool_call")
    if len(said) > 1:
        told = f"an answer is one thing: {said[0]} and {said[1]} do not go together"
        raise WrongField(said[1], tr(told, f"一条回答只能是一种：{said[0]} 与 {said[1]} 不能同时给出"))
    if not said and not values.get("delay_s"):
        names = "text, thought, tool_call, picture, transcript, error or delay_s"
        raise WrongField("", tr(f"an answer says something: give {names}", f"回答须有内容，请给出其一：{names}"))
    values["tool_calls"] = values.pop("tool_call", ())
    return ScriptedAnswer(**values)


def _calls(value: Any) -> tuple[ScriptedCall, ...]:
    given = value if isinstance(value, list) else [value]
    if not given:
        raise ValueError(tr("is an object, or a list of them", "应为对象或对象的列表"))
    return tuple(_call(one) for one in given)


def _call(value: Any) -> ScriptedCall:
    read = read_fields(value, {"name": fields.word, "arguments": _arguments}, "tool_call")
    if "name" not in read:
        raise ValueError(tr("needs a name", "须有 name"))
    return ScriptedCall(read["name"], read.get("arguments", "{}"))


def _arguments(value: Any) -> str:
    """An object; or a text that is sent as it stands, valid or not, since models do that, too."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(tr(f"is an object, or a text, not {value!r}", f"应为对象或文本，而不是 {value!r}"))
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError) as error:
        raise ValueError(tr(f"cannot be JSON: {error}", f"无法写成 JSON：{error}")) from None


def _error(value: Any) -> ScriptedError:
    readers: dict[str, fields.Read] = {"code": fields.word, "message": fields.text, "status": fields.whole(400, 599)}
    read = read_fields(value, readers, "error")
    code = read.get("code", "InternalError")
    return ScriptedError(code, read.get("message", f"{code}, as the script says."), read.get("status", 400))


def _picture(value: Any, read_picture: ReadPicture) -> bytes:
    data = read_picture(fields.word(value))
    if picture_type(data) is None:
        allowed, name = ", ".join(sorted(set(PICTURE_TYPES.values()))), repr(value[:60])
        raise ValueError(tr(f"{name} is no picture; allowed: {allowed}", f"{name} 不是图片；可用：{allowed}"))
    return data


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture's bytes."""
    return next((kind for magic, kind in PICTURE_TYPES.items() if data.startswith(magic)), None)


def picture_of_data_url(value: str) -> bytes:
    """Return the bytes of `data:…;base64,…`.

    Raises:
        ValueError: it is something else; a file of this computer is named in a script file only.
    """
    head, comma, content = value.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64") or not comma:
        told = "is an address data:image/…;base64,… here; a script file may also name a file"
        raise ValueError(tr(told, "此处应为 data:image/…;base64,… 地址；脚本文件中还可以写文件名"))
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        raise ValueError(tr("has no valid base64", "的 base64 无效")) from None
