"""What came of a batch: one record a row, for programs (results.jsonl), for people (gallery), for another try."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.batch.input.row_schema import REASON
from bailian.batch.output.partial_files import partial
from bailian.errors import SaveError
from bailian.files import naming
from bailian.files.storage.local_copies import local_copy
from bailian.i18n import reason_of, tr
from bailian.modalities.text.vectors import json_numbers
from bailian.store.batches import BatchStore
from bailian.store.runs.file_rows import FileRows
from bailian.store.runs.row_claims import CHUNK_ROWS
from bailian.store.schema import JobRow
from bailian.store.states import UNDER_WAY_STATES, Status
from bailian.text.storage_path import ResultPath
from bailian.types import RowPlace
from bailian.types.result_of import replaced, result_of

if TYPE_CHECKING:
    from bailian.batch.output.vector_files import VectorMatrix

RESULTS = "results.jsonl"
FAILED = "failed.jsonl"
# Rows in these states are in failed.jsonl. A held row may be paid: run from there, it would be paid again unasked.
AGAIN_STATES = (Status.FAILED, Status.UNSENT)
# In a record: the request as `failed.jsonl` has it, where that is another one. It stands in no file.
AGAIN = "again"
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False)


def records(
    runs: BatchStore, run: str, file_rows: FileRows, matrix: VectorMatrix | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one record a row, in the order of the file; a few hundred are in memory at a time.

    `file_rows` says where the rows stand in the file now: they may have moved since they were sent. What is
    under way and not in the file any more comes last. Vectors go into the `matrix`, if there is one.
    """
    for places in file_rows.pages():
        yield from _records(runs, runs.newest_of(run, places), places, matrix)
    others = runs.newest(run, file_rows.absent)
    while chunk := list(islice(others, CHUNK_ROWS)):
        yield from _records(runs, chunk, {}, matrix)


def _records(
    runs: BatchStore, rows: list[JobRow], places: Mapping[str, str], matrix: VectorMatrix | None
) -> Iterator[dict[str, Any]]:
    files = runs.files(row.id for row in rows)
    for row in rows:
        made = record(row, files[row.id])
        made["where"] = places.get(str(row.row_key), made["where"])
        if row.state in AGAIN_STATES and made["request"] is not row.request:
            made[AGAIN] = _again(row, runs)
        yield {**made, **_vectors(row, made, matrix)} if row.kind == "embedding" else made


def record(row: JobRow, files: list[str]) -> dict[str, Any]:
    """Return what is worth knowing about one row's newest try."""
    place = row.prepared.row or RowPlace()
    began_s = row.sent_at_s or row.created_at_s
    return {
        "row": row.row_key,
        "job": row.id,
        "where": place.where,
        "label": place.label,
        "name": place.name,
        "output": place.output,
        "kind": row.kind,
        "model": row.model,
        "state": "running" if row.state in UNDER_WAY_STATES else row.state,
        "files": files,
        "text": _text(row),
        **_ending(row),
        "prompt": asked(row.request),
        "seed": row.prepared.seed,
        "request": _written(row.request) if place.sources else row.request,
        **({"sources": [_as_json(word) for word in place.sources]} if place.sources else {}),
        "task_id": row.task_id,
        "request_id": row.request_id,
        "cost_cny": row.charged_cny,
        "took_s": round(row.ended_at_s - began_s, 3)
        if row.ended_at_s and row.state in (Status.DONE, Status.FAILED)
        else None,
        "created_at_s": row.created_at_s,
        "error": (row.error or {}).get("error"),
    }


def _vectors(row: JobRow, made: Mapping[str, Any], matrix: VectorMatrix | None) -> dict[str, Any]:
    """Return a row's vectors, or where they stand in the matrix and what has no place there."""
    from bailian.modalities.text.embedding_answers import DENSE, SPARSE, packed_vectors, vectors_of

    if row.state != Status.DONE or not row.answer:
        return {"embeddings": None}
    taken = matrix.take(row, {name: made[name] for name in ("row", "where", "label")}) if matrix else None
    if taken is None:
        return {"embeddings": vectors_of(row.answer)}
    sparse = [entry for entry in packed_vectors(row.answer) if SPARSE in entry]
    left = [{name: value for name, value in entry.items() if name != DENSE} for entry in sparse]
    return {"embeddings": left or None, "vectors": taken}


def asked(request: Mapping[str, Any]) -> str:
    """Return what was asked in words, what was read, or the names of what went in."""
    text = request.get("text") or ""
    several = "\n".join(map(str, text)) if isinstance(text, list) else str(text)
    return request.get("prompt") or several or " ".join(request.get("file") or []) or naming.about(request)


def _as_json(word: str) -> Any:
    result = result_of(word)
    return result.to_json() if result else word


def _written(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a request with other rows' results as a file has them; the same one if it waits for none."""
    made = replaced(request, _as_json)
    return request if made == request else made


def _again(row: JobRow, runs: BatchStore) -> dict[str, Any] | None:
    """Return the request of a skipped row for `failed.jsonl`; None: run from there, it would have no source.

    A source that is done is not in that file: its result goes in by its name.
    """
    instead: dict[str, Any] = {}
    for source in runs.sources(row.id):
        if source.state in AGAIN_STATES:
            instead[source.word] = _as_json(source.word)
        elif source.path is not None:
            instead[source.word] = source.path.absolute().as_uri()
        else:
            return None
    return dict(replaced(row.request, lambda word: instead.get(word, word)))


def _text(row: JobRow) -> str | None:
    if row.kind != "text" or not row.answer:
        return None
    from bailian.modalities.text.text_answers import items

    found = items(row.answer, row.prepared)
    return found[0].text if found else None


def _ending(row: JobRow) -> dict[str, Any]:
    """Return why a text ended (`length`: it was cut), and what it has found on the web."""
    if row.kind != "text" or not row.answer:
        return {}
    from bailian.modalities.text.text_answers import end_reason, web_sources

    sources = [{name: one.get(name) for name in ("index", "title", "url")} for one in web_sources(row.answer)]
    return {"finish_reason": end_reason(row.answer), **({"web_sources": sources} if sources else {})}


def write_results(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write one JSON line a row beside the files, and the failed rows as a file that can be run again.

    Raises:
        SaveError: they cannot be written there; nothing half written is left.
    """
    results, failed = folder / RESULTS, folder / FAILED
    parts = [partial(path) for path in (results, failed)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        any_failed = _write_parts(parts, rows)
        parts[0].replace(results)
        if any_failed:
            parts[1].replace(failed)
        else:
            failed.unlink(missing_ok=True)
    except OSError as error:
        raise unwritten(results, error) from None
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink()
    return results


def _write_parts(parts: list[Path], rows: Iterable[Mapping[str, Any]]) -> bool:
    """Write the two files under their passing names; return whether there is a row to try again."""
    any_failed = False
    with ExitStack() as opened:
        # A lone surrogate is no UTF-8; its backslash form is what JSON has for it.
        all_of_them, to_try = (
            opened.enter_context(part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n"))
            for part in parts
        )
        for row in rows:
            again = row.get(AGAIN, row["request"])
            all_of_them.write(
                _line({name: value for name, value in row.items() if name != AGAIN} if AGAIN in row else row)
            )
            if row["state"] in AGAIN_STATES and again is not None:
                any_failed = True
                to_try.write(_line({**request_of({**row, "request": again}), **_reason(row)}))
    return any_failed


def unwritten(path: ResultPath, error: OSError) -> SaveError:
    """Return the error for a file about the batch that could not be written: the journal has all that is in it.

    The advice is for a run that was not `--fresh`.
    """
    return SaveError(
        tr(f"cannot write {path}: {reason_of(error)}", f"无法写入 {path}：{reason_of(error)}"),
        advice=tr(
            "make room, then run the same command again: nothing is paid again",
            "请清理磁盘，然后再次运行同一命令：不会重复计费",
        )
        if isinstance(path, Path)
        else tr(
            "when storage answers, run the same command again: nothing is paid again",
            "存储恢复后再次运行同一命令：不会重复计费",
        ),
    )


def read_results(folder: ResultPath) -> Iterator[dict[str, Any]]:
    """Yield the records that `write_results` has written."""
    with local_copy(folder / RESULTS) as copy, copy.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield json.loads(line)


def request_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's request as a row of a file."""
    own = {"id": row.get("label"), "name": row.get("name"), "output": row.get("output")}
    return {"kind": row["kind"], **{name: value for name, value in own.items() if value}, **row["request"]}


def _reason(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return why a row failed, as its line in `failed.jsonl` says it: whoever runs that file reads past it."""
    error = row.get("error") or {}
    told = {name: error[name] for name in ("code", "message") if error.get(name)}
    return {REASON: told} if told else {}


def _line(value: Mapping[str, Any]) -> str:
    entries = value.get("embeddings")
    if not entries:
        return _ENCODER.encode(value) + "\n"
    # Most of such a line is numbers, and JSON's own encoder takes four times as long for them.
    rest = _ENCODER.encode({name: one for name, one in value.items() if name != "embeddings"})
    return f'{rest[:-1]}, "embeddings": [{", ".join(map(_entry, entries))}]}}\n'


def _entry(entry: Mapping[str, Any]) -> str:
    numbers = entry.get("embedding")
    rest = _ENCODER.encode({name: one for name, one in entry.items() if name != "embedding"})
    return f'{rest[:-1]}, "embedding": {json_numbers(numbers)}}}' if isinstance(numbers, array) else rest
