"""The vectors of a batch as one matrix: `vectors.npy`, and `vectors.jsonl`, which says whose each of its rows is.

The head of an .npy file is 128 bytes that NEP 1 fixes: numpy, fifty times the size of this package, is left to who
reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from bailian.batch.input.batch_row import BatchRow
from bailian.batch.output.partial_files import partial
from bailian.catalog import Catalog
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.modalities.text.embedding import DEFAULT_MODELS
from bailian.modalities.text.embedding_answers import DENSE, packed_vectors
from bailian.modalities.text.vectors import little_endian, unpacked
from bailian.store.schema import JobRow

MATRIX, INDEX = "vectors.npy", "vectors.jsonl"
HEAD_BYTES = 128
_ENCODER = json.JSONEncoder(ensure_ascii=False)


class VectorMatrix:
    """Takes the vectors of one row after the other, in the order of the file; nothing is kept in memory."""

    def __init__(self, folder: Path) -> None:
        self._paths = folder / MATRIX, folder / INDEX
        self._parts = [partial(path) for path in self._paths]
        self._open = ExitStack()
        self._length = 0
        self.count = 0

    def __enter__(self) -> VectorMatrix:
        self._paths[0].parent.mkdir(parents=True, exist_ok=True)
        self._matrix = self._open.enter_context(self._parts[0].open("wb"))
        self._index = self._open.enter_context(
            self._parts[1].open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
        )
        self._matrix.write(head(0, 0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give both files their names, unless something went wrong, or there is nothing in them."""
        try:
            if kind is None and self.count:
                self._matrix.seek(0)
                self._matrix.write(head(self.count, self._length))
            self._open.close()
            if kind is None and self.count:
                for part, path in zip(self._parts, self._paths, strict=True):
                    part.replace(path)
        finally:
            self._open.close()
            for part in self._parts:
                with suppress(OSError):
                    part.unlink()

    def take(self, row: JobRow, place: Mapping[str, Any]) -> dict[str, Any] | None:
        """Add a row's vectors; return where they are in the matrix, or None where one of them does not fit into it."""
        found = [unpacked(entry.get(DENSE)) for entry in packed_vectors(row.answer or {})]
        vectors = [one for one in found if one is not None]
        lengths = {len(one) for one in vectors}
        if not vectors or len(vectors) != len(found) or lengths != {self._length or len(vectors[0])}:
            return None
        self._length = len(vectors[0])
        given = row.request.get("text")
        texts = given if isinstance(given, list) else [given]
        first = self.count
        for number, vector in enumerate(vectors):
            self._matrix.write(little_endian(vector))
            text = texts[number] if number < len(texts) else None
            line = {"vector": first + number, **place, "text_index": number, "text": text}
            self._index.write(_ENCODER.encode(line) + "\n")
        self.count += len(vectors)
        return {"file": MATRIX, "first": first, "count": len(vectors)}


def head(rows: int, columns: int) -> bytes:
    """Return the head of an .npy file (version 1.0) of 32-bit floats. It is as long for every number of rows."""
    told = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}"
    magic = b"\x93NUMPY\x01\x00"
    length = HEAD_BYTES - len(magic) - 2
    return magic + length.to_bytes(2, "little") + told.ljust(length - 1).encode("ascii") + b"\n"


def of_one_matrix(rows: Iterable[BatchRow], models: Catalog, region: str) -> Iterator[BatchRow]:
    """Yield the rows of a batch; at their end, refuse those whose vectors cannot stand in one matrix.

    Raises:
        InvalidRequest: there are none, they are of several models or lengths, or some are sparse.
    """
    shapes: dict[tuple[str, int | None], str] = {}
    sparse = ""
    for row in rows:
        if row.kind == "embedding":
            shapes.setdefault(_shape(row, models, region), row.where)
            sparse = sparse or (row.where if row.fields.get("output_type") == "sparse" else "")
        yield row
    problem = ""
    if not shapes:
        problem = tr("there are no embedding rows in the file", "文件中没有 embedding 行")
    elif sparse:
        problem = tr(f"{sparse} asks for sparse vectors alone", f"{sparse} 只要求稀疏向量")
    elif len(shapes) > 1:
        listed = ", ".join(f"{model} {length} ({where})" for (model, length), where in shapes.items())
        problem = tr(
            f"a matrix holds vectors of one model and one length, not {listed}",
            f"一个矩阵只能含同一模型、同一维度的向量，而这里有 {listed}",
        )
    if problem:
        raise InvalidRequest.one("vectors", problem, advice=tr("leave out --vectors npy", "请去掉 --vectors npy"))


def _shape(row: BatchRow, models: Catalog, region: str) -> tuple[str, int | None]:
    name = row.fields.get("model") or DEFAULT_MODELS[0]
    model = models.get(name)
    dimensions = model.region_dimensions.get(region, model.dimensions) if model else ()
    return str(name), row.fields.get("dimension") or next(iter(dimensions), None)
