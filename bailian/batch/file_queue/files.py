"""`--each 'photos/*.jpg'`: one row for each file that a pattern finds, named after it.

A file is known by its place below the pattern's folder and by what it holds: one that changes is another row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from bailian.batch.file_queue.known_digests import KnownDigests
from bailian.batch.input.row_schema import RowSchema
from bailian.errors import InvalidRequest, Problem
from bailian.files import naming
from bailian.files.formats import SUFFIXES
from bailian.files.outputs import at_home
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.paths import leads_somewhere, leads_to_file, leads_to_folder
from bailian.text.storage_path import ResultPath, is_storage

NAME = "each"
TEXT_SUFFIXES = ("txt", "md")
PROMPT_FILE = "prompt_file"
FIELDS = {"picture": ("image",), "film": ("file", "video"), "sound": ("file", "audio")}
"""Where a file goes: the first of these fields that rows of the kind have."""
SEVERAL_PICTURES = ("image_edit", "text")
"""The kinds whose requests take several pictures: those that are given stand behind the file's own."""
SHOWN_SUFFIXES = 5


@dataclass(frozen=True)
class FoundFiles:
    """The files of a pattern, in the order of their names."""

    root: Path
    names: tuple[str, ...]
    """Below the root, with slashes."""
    others: tuple[str, ...]
    """Those that were found, and that rows of this kind do not take."""


def find_files(pattern: str, root: Path, form: RowSchema, results: ResultPath) -> FoundFiles:
    """Return the files that a pattern finds below its root; a folder stands for all files in it. What lies in `results`
    is none of them: a result must not become an input.

    Raises:
        NothingFound: there is none that such rows take.
        InvalidRequest: the pattern's folder is not there, or the results would go into it.
    """
    path = at_home(pattern)
    if not leads_to_folder(root) or not (leads_somewhere(path) or has_magic(pattern)):
        missing = pattern if leads_to_folder(root) else root
        _refuse(tr(f"there is no {missing}", f"{missing} 不存在"), tr("check the path", "请检查路径"))
    if results == root:
        text = tr(
            f"the results would go into {root}, and be taken as files to edit", f"结果会写入 {root}，并被当作输入"
        )
        _refuse(text, tr("choose another folder: -o DIR", "请指定其他目录：-o DIR"))
    if leads_to_file(path):
        found: Iterable[Path] = [root / path.name]
    else:
        found = root.glob("*" if leads_to_folder(path) else str(Path(*path.parts[_fixed_parts(path) :])))
    files = [one for one in sorted(found) if _counts(one, root, results)]
    fields = [field_of(one.name, form) for one in files]
    # A note among photos is no photo; where there are only texts, each is a prompt.
    taken = {field for field in fields if field != PROMPT_FILE} - {""} or {PROMPT_FILE}
    places = [(one.relative_to(root).as_posix(), field in taken) for one, field in zip(files, fields, strict=True)]
    names = tuple(name for name, is_taken in places if is_taken)
    if not names:
        _refuse_nothing(pattern, root, files, results)
    return FoundFiles(root, names, tuple(name for name, is_taken in places if not is_taken))


def root_of(pattern: str) -> Path:
    """Return the folder in which a pattern begins: the one before its first wildcard.

    Raises:
        InvalidRequest: it is in storage.
    """
    if is_storage(pattern):
        command = how_to().command("batch run", "FILE")
        _refuse(
            tr(
                "a pattern finds files of this machine, not objects in storage",
                "模式只匹配本机文件，不匹配对象存储中的对象",
            ),
            tr(f"name the objects in a file of rows: {command}", f"请在批量文件中写出各对象：{command}"),
        )
    path = at_home(pattern)
    if leads_to_folder(path):
        return path.absolute()
    if leads_to_file(path):
        return path.absolute().parent
    return Path(*path.parts[: _fixed_parts(path)]).absolute()


def _fixed_parts(path: Path) -> int:
    """Return how many parts of a pattern have no wildcard; its last one is that of the files."""
    return next((number for number, part in enumerate(path.parts) if has_magic(part)), len(path.parts) - 1)


def _counts(path: Path, root: Path, results: ResultPath) -> bool:
    """Return whether a file is meant: hidden ones are not, as in a shell, and no results."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and results not in path.parents and path.is_file()


def field_of(name: str, form: RowSchema) -> str:
    """Return the field of a row that a file goes into, by its suffix; "" if there is none."""
    suffix = PurePosixPath(name).suffix.removeprefix(".").lower()
    for sort, suffixes in SUFFIXES.items():
        if suffix in suffixes:
            return next((field for field in FIELDS[sort] if field in form.known), "")
    return PROMPT_FILE if suffix in TEXT_SUFFIXES and form.text_field else ""


def rows_of(
    found: FoundFiles, form: RowSchema, request: Mapping[str, Any], digests: KnownDigests
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the files: `request` is what all of them say.

    Raises:
        InvalidRequest: a file cannot be read, or the request has one in its place.
    """
    stems = Counter(map(_stem, found.names))
    for name in found.names:
        stem = _stem(name)
        label = stem if stems[stem] == 1 else f"{stem}_{PurePosixPath(name).suffix[1:]}"
        row = {**request, **_input(found.root, name, form, request, digests), "id": label}
        folder = PurePosixPath(name).parent
        if folder.parts:
            row["output"] = "/".join(map(naming.as_name, folder.parts)) + "/"
        yield row


def _input(root: Path, name: str, form: RowSchema, request: Mapping[str, Any], digests: KnownDigests) -> dict[str, Any]:
    field = field_of(name, form)
    if field == PROMPT_FILE:
        return {field: name}
    given = request.get(field) or []
    if given and (field != "image" or form.kind not in SEVERAL_PICTURES):
        _refuse(tr(f"each row has a file of its own: leave {field} out", f"每行已有自己的文件：请去掉 {field}"))
    try:
        digest = digests.of(root / name)
    except OSError as error:
        raise InvalidRequest.unreadable(NAME, root / name, error) from None
    return {field: [name, *given], "version": digest}


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _refuse_nothing(pattern: str, root: Path, files: Sequence[Path], results: ResultPath) -> NoReturn:
    text = tr(f"no file is found by {pattern}", f"{pattern} 未匹配到任何文件")
    there = Counter(one.suffix for one in sorted(root.iterdir()) if _counts(one, root, results))
    if files:
        text = tr(f"{pattern} finds no file that goes in here", f"{pattern} 匹配到的文件都不能用于此处")
    elif there:
        listed = ", ".join(f"{suffix or '?'} {count}" for suffix, count in there.most_common(SHOWN_SUFFIXES))
        text += tr(f" ({root} has: {listed})", f"（{root} 中有：{listed}）")
    advice = tr("put files there, or give another pattern", "请放入文件，或更换通配符")
    raise NothingFound([Problem(NAME, text)], advice=advice)


class NothingFound(InvalidRequest):
    """A pattern finds nothing: an empty queue, for whoever looks into it again and again."""


def _refuse(text: str, advice: str = "") -> NoReturn:
    raise InvalidRequest.one(NAME, text, advice=advice)
