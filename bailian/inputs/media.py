"""What goes into a film: pictures, films, sounds, documents, told apart by their bytes; behind a link by the suffix.

Which of them a model takes is the modality's to say. Here is said what each field can hold at all.
"""

from __future__ import annotations

import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bailian.errors import BailianError, InvalidRequest
from bailian.files import formats
from bailian.i18n import tr
from bailian.inputs import films, foreign, once, recordings
from bailian.inputs.resolve import (
    FORMAT_NAMES,
    PICTURE_MAX_BYTES,
    looked_at,
    opened_file,
    reading,
    remote,
    resolve,
)
from bailian.store.paths import leads_somewhere, leads_to_folder, local_path
from bailian.types import Film, Input, Recording

PICTURE, FILM, SOUND, DOCUMENT, PAGE = "picture", "film", "sound", "document", "page"
SORTS = {
    "image": (PICTURE,),
    "last_frame": (PICTURE,),
    "references": (PICTURE, FILM, SOUND),
    "reference_voices": (SOUND,),
    "video": (FILM,),
    "continue": (FILM,),
    "last_clip": (FILM,),
    "audio": (SOUND,),
    "mask": (PICTURE, FILM),
    "document": (DOCUMENT,),
    "link": (PAGE,),
}
FILM_CONTAINERS = ("avi", "flv", "mkv", "mpeg")
MAX_BYTES = recordings.MAX_BYTES


def resolve_media(field: str, text: str, home: Path) -> Input:
    """Return what a user's word means in a field of a film's request.

    Raises:
        InvalidRequest: no such file, damaged, or nothing that this field holds.
    """
    if text.startswith(("http://", "https://")):
        return _of_link(field, remote(field, text))
    if text.startswith("oss://"):
        return _of_link(field, Input(text))
    if PAGE in SORTS[field]:
        raise _refused(field, tr(f"{text} is not a link: https://HOST/PATH", f"{text} 不是链接：https://主机名/路径"))
    if text.startswith("data:"):
        return _of_data(field, text, home)
    try:
        return _of_file(field, text, home)
    except BailianError:
        raise
    except Exception as error:  # noqa: BLE001 - a NUL in the name, odd headers: it is said about this field
        raise InvalidRequest.unreadable(field, text, error, advice=tr("check the path", "请检查路径")) from None


def _refused(field: str, text: str) -> InvalidRequest:
    return InvalidRequest.one(field, text, advice="")


def _of_link(field: str, found: Input) -> Input:
    """Judge a link by its suffix; what one that tells nothing is, the modality says."""
    sort, allowed = formats.sort_by_name(found.url), SORTS[field]
    if sort and sort not in allowed and not {DOCUMENT, PAGE} & {*allowed}:
        raise _wrong_sort(field, found.url, sort)
    return found


def _of_data(field: str, text: str, home: Path) -> Input:
    mime = text.removeprefix("data:").partition("/")[0]
    if PICTURE in SORTS[field] and mime not in ("video", "audio"):
        return resolve(field, text, home)
    raise _refused(
        field,
        tr(
            "only pictures are taken as data: (Base64): give a file or a URL",
            "只有图片支持 data:（Base64）：请给出文件或链接",
        ),
    )


def _of_file(field: str, text: str, home: Path) -> Input:
    """Judge a file where it stands; what comes through a pipe is copied first, since it comes once."""
    path = once.lasting(local_path(text).absolute())
    is_stdin = text == "-"
    if DOCUMENT in SORTS[field]:
        return _document(field, path, text)
    if not is_stdin and (once.lasts(path) or not leads_somewhere(path) or leads_to_folder(path)):
        return _looked_at(field, path, text, home)
    name = tr("the file on stdin", "标准输入中的文件") if is_stdin else text
    with sys.stdin.buffer if is_stdin else path.open("rb") as source:
        copy = _copied(field, source, name, home)
    return _looked_at(field, copy, name, home)


class _Joined:
    """A pipe whose first bytes have been read."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int, /) -> bytes:
        head, self._head = self._head, b""
        return head or self._rest.read(size)


def _copied(field: str, source: BinaryIO, name: str, home: Path) -> Path:
    """Copy what has no name; its suffix is what its first bytes say."""
    head = source.read(foreign.HEAD_BYTES)
    suffix = "mov" if head[8:12] == b"qt  " else formats.suffix_of(head) or recordings.by_magic(head) or "media"
    try:
        return once.copied(_Joined(head, source), suffix, home, MAX_BYTES)
    except once.TooLarge:
        raise _refused(field, tr(f"{name} has more than 2 GB", f"{name} 超过 2 GB")) from None


def _looked_at(field: str, path: Path, name: str, home: Path) -> Input:
    """Say what a file is by its first bytes, and look at it as such.

    Raises:
        InvalidRequest: nothing that this field holds, or damaged.
    """
    with opened_file(field, path) as file:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _refused(field, tr(f"{name} is not a file", f"{name} 不是文件"))
        head = file.read(foreign.HEAD_BYTES)
        if not head:
            raise _refused(field, tr(f"{name} is empty", f"{name} 是空文件"))
        if found.st_size > MAX_BYTES:
            raise _refused(field, tr(f"{name} has more than 2 GB", f"{name} 超过 2 GB"))
    known = foreign.name_of(head, name)
    if known:
        raise _refused(field, tr(f"{name} is {known}", f"{name} 是 {known}") + "; " + _taken(field))
    kind = recordings.by_magic(head)
    if formats.suffix_of(head) in formats.PICTURES or (not kind and PICTURE in SORTS[field]):
        return _picture(field, path, name, home)
    if kind == "mp4":
        film = _film(field, path, name)
        if film is not None:
            _check_sort(field, name, FILM)
            return Input(path.as_uri(), film=film)
    elif kind in FILM_CONTAINERS:
        raise _other_film(field, name, kind)
    return _sound(field, path, name, "m4a" if kind == "mp4" else kind)


def _picture(field: str, path: Path, name: str, home: Path) -> Input:
    _check_sort(field, name, PICTURE)
    with reading(field, name), path.open("rb") as file:
        data = once.read_bytes(file, PICTURE_MAX_BYTES)
    return looked_at(field, data, path, name, home)


def _film(field: str, path: Path, name: str) -> Film | None:
    try:
        return films.probe_film(path)
    except films.DamagedFilm as error:
        raise _refused(field, tr(f"{name} is damaged: {error}", f"{name} 已损坏：{error}")) from None


def _sound(field: str, path: Path, name: str, kind: str) -> Input:
    if not kind and path.suffix.lower() not in (".mp3", ".wav"):
        what = tr(f"{name} is no picture, film or sound", f"{name} 不是图片、视频或音频")
        raise _refused(field, f"{what}; {_taken(field)}")
    _check_sort(field, name, SOUND)
    recording = recordings.look_at(field, path, name)
    return Input(path.as_uri(), recording=replace(recording, format=kind or path.suffix.lower()[1:]))


def _document(field: str, path: Path, name: str) -> Input:
    """Judge a document by its name: the service does, too. Which names it takes is the model's to say."""
    if name == "-":
        raise _refused(field, tr("a document is told by its name: give a file", "文档须按文件名识别：请给出文件"))
    with opened_file(field, path):
        size_bytes = path.stat().st_size
    if not size_bytes:
        raise _refused(field, tr(f"{name} is empty", f"{name} 是空文件"))
    return Input(path.as_uri(), recording=Recording(size_bytes, None, path.suffix.lower().removeprefix(".")))


def _check_sort(field: str, name: str, sort: str) -> None:
    if sort not in SORTS[field]:
        raise _wrong_sort(field, name, sort)


def _wrong_sort(field: str, name: str, sort: str) -> InvalidRequest:
    what = {
        PICTURE: tr(
            "a picture: --image takes pictures (to make a film, --last-frame and --reference too)",
            "图片：请用 --image（生成视频时还有 --last-frame、--reference）",
        ),
        FILM: tr(
            "a film: --continue or --video takes films (as a reference: --reference)",
            "视频：请用 --continue 或 --video（作为参考：--reference）",
        ),
        SOUND: tr("a sound: --audio takes sounds, to make a film", "音频：生成视频时请用 --audio"),
    }[sort]
    return _refused(field, tr(f"{name} is {what}", f"{name} 是{what}"))


def _other_film(field: str, name: str, kind: str) -> InvalidRequest:
    return _refused(
        field,
        tr(
            f"{name} is {kind.upper()}; films are taken as MP4 or MOV (convert it: ffmpeg -i IN OUT.mp4)",
            f"{name} 是 {kind.upper()}；视频须为 MP4 或 MOV（请转换：ffmpeg -i IN OUT.mp4）",
        ),
    )


def _taken(field: str) -> str:
    names = {PICTURE: FORMAT_NAMES, FILM: "MP4, MOV", SOUND: "WAV, MP3"}
    listed = ", ".join(names[sort] for sort in SORTS[field])
    return tr(f"taken here: {listed}", f"此处支持 {listed}")
