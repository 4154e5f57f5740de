"""The folder of a batch: whose results it holds, and nothing half made in it."""

from __future__ import annotations

from pathlib import Path

from bailian.batch.output.gallery import PAGE
from bailian.batch.output.own_folder import mark_of, write_mark
from bailian.batch.output.partial_files import remove_partial_files
from bailian.batch.output.records import FAILED, RESULTS, unwritten
from bailian.batch.output.thumbnails import THUMBS
from bailian.batch.output.vector_files import INDEX, MATRIX
from bailian.batch.sync import BatchSpec
from bailian.errors import InvalidRequest
from bailian.files.storage.object_store import StorageError, require_library
from bailian.i18n import tr

# Says whose results a folder holds.
MARK = ".bailian-batch"


def check_owner(spec: BatchSpec) -> None:
    """Refuse a folder that is not for this batch. Nothing is made or written.

    A folder holds the results of one batch, or of one kind of it: another's are not overwritten.

    Raises:
        InvalidRequest: the folder is another batch's, or the source is one of its files, or storage cannot be asked.
    """
    if not isinstance(spec.folder, Path):
        require_library("output", spec.folder)
    try:
        owner = mark_of(spec.folder / MARK)
    except StorageError as error:
        advice = tr("check the bucket and its credentials", "请检查存储桶及其凭证")
        raise InvalidRequest.unreadable("output", spec.folder / MARK, error, advice=advice) from None
    own = [spec.folder / name for name in (RESULTS, FAILED)]
    inside = spec.source.resolve() in [path.resolve() for path in own if isinstance(path, Path)]
    if inside or owner not in ("", spec.part):
        raise InvalidRequest.one(
            "output",
            tr(f"{spec.folder} holds the results of another batch", f"{spec.folder} 中已有另一批次的结果"),
            advice=tr("choose another folder with -o DIR", "请用 -o 指定其他目录"),
        )


def claim(spec: BatchSpec, *, shared: bool = False) -> None:
    """Mark the folder, and clear away what a killed run of the same batch has left half written.

    `shared`: other machines may write into it now.

    Raises:
        InvalidRequest: the folder is not for this batch.
        SaveError: the mark cannot be written.
    """
    check_owner(spec)
    mark = spec.folder / MARK
    try:
        write_mark(mark, spec.part)
    except OSError as error:
        raise unwritten(mark, error) from None
    if not isinstance(spec.folder, Path):
        return  # an object is whole or absent
    written = (f".{name}.*part" for name in (PAGE, RESULTS, FAILED, MATRIX, INDEX))
    patterns = [spec.folder / name for name in written]
    remove_partial_files(*patterns, spec.folder / THUMBS / ".*.part", shared=shared)
