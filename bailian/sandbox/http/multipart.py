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


def read_form(content_type: str, body: bytes) -> Form:
    """Take a body apart.

    Raises:
        ValueError: no multipart body, or one without exactly one file.
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
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    after: list[str] = []
    for part in parts[1:-1]:
        name, file_name, data = _part(part)
        if name == "file":
            files.append((file_name, data))
            continue
        if files:
            after.append(name)
        fields[name] = data.decode("utf-8")
    if len(files) != 1:
        raise ValueError("not one file")
    return Form(fields, *files[0], tuple(after))


def _part(part: bytes) -> tuple[str, str, bytes]:
    """Return name, file name and content of one part."""
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
    return name, file_name if isinstance(file_name, str) else "", data
