"""Reads a multipart/form-data body as the object store does: small fields, then one file, which comes last.

Starlette's parser is not used. The object store takes a `file` part without a file name; there it becomes text
with other bytes. A body that is cut short raises no error there.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message


@dataclass(frozen=True)
class Form:
    """One form."""

    fields: dict[str, str]
    """By their names as sent."""
    file_name: str
    file: bytes
    after_file: tuple[str, ...]
    """Names of what stood behind the file."""


@dataclass(frozen=True)
class Part:
    """One part of a form."""

    name: str
    file_name: str
    data: bytes


def read_form(content_type: str, body: bytes) -> Form:
    """Take a body with one file apart.

    Raises:
        ValueError: no multipart body, or one without exactly one file.
    """
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    after: list[str] = []
    for part in read_parts(content_type, body):
        if part.name == "file":
            files.append((part.file_name, part.data))
            continue
        if files:
            after.append(part.name)
        fields[part.name] = part.data.decode("utf-8")
    if len(files) != 1:
        raise ValueError("not one file")
    return Form(fields, *files[0], tuple(after))


def read_parts(content_type: str, body: bytes) -> list[Part]:
    """Take a body apart.

    Raises:
        ValueError: no multipart body.
    """
    kind = Message()
    kind["content-type"] = content_type
    boundary = kind.get_param("boundary")
    if kind.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise ValueError("no multipart/form-data")
    delimiter = b"\r\n--" + boundary.encode()
    parts = (b"\r\n" + body).split(delimiter)
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise ValueError("the body does not end with its boundary")
    return [_part(part) for part in parts[1:-1]]


def _part(part: bytes) -> Part:
    head, empty_line, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not empty_line:
        raise ValueError("a part without headers")
    message = Message()
    for line in head.decode("utf-8").split("\r\n"):
        key, _, value = line.partition(":")
        message[key.strip()] = value.strip()
    name = message.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise ValueError("a part without name")
    file_name = message.get_param("filename", header="content-disposition")
    return Part(name, file_name if isinstance(file_name, str) else "", data)
