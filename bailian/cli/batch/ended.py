"""A batch that was brought to its end is known again by what its file is, without reading its rows."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

from bailian.batch.output.records import RESULTS
from bailian.batch.totals import BatchTotals
from bailian.cli.batch.batch_report import exit_code, in_part
from bailian.cli.output.report import shown_path
from bailian.cli.output.terminal import print_err
from bailian.clock import current_clock
from bailian.files.storage.local_copies import is_file
from bailian.i18n import tr

if TYPE_CHECKING:
    from pathlib import Path

    from bailian.cli.batch.batch_call import Call
    from bailian.config.settings import Settings

READ_BYTES = 1 << 20


def digest_of(call: Call) -> str:
    """Return what the file is now, with what else decides what its rows become; "" if it cannot be known."""
    spec = call.spec
    if str(spec.source) == "-":
        return ""
    content = hashlib.sha256()
    try:
        changing = _read(spec.source, content)
    except OSError:
        return ""
    others = str(current_clock().wall()) if changing else ""
    decides: list[object] = [str(spec.folder), spec.template, spec.sidecar, spec.upload, call.overrides, others]
    decides += [one for one in (spec.reading.default_kind, spec.reading.models) if one]
    if call.options.vectors != "json":
        decides.append(call.options.vectors)
    what = json.dumps(decides, default=str)
    content.update(what.encode())
    return content.hexdigest()


def _read(source: Path, content: Any) -> bool:
    """Take in what a file holds; return whether it names others, which may have changed when it has not."""
    word, end, changing = b"prompt_file", b"", False
    with source.open("rb") as file:
        while part := file.read(READ_BYTES):
            content.update(part)
            end = end[-len(word) :] + part
            changing = changing or word in end
    return changing


def ended_before(call: Call, here: Settings) -> BatchTotals | None:
    """Return the summary of a batch that has nothing left to do, without reading its rows."""
    digest, spec = digest_of(call), call.spec
    if not digest or not is_file(spec.folder / RESULTS):
        return None
    from bailian.store.batches import BatchStore
    from bailian.store.jobs import Journal

    with closing(Journal(here.journal)) as journal:
        ended = BatchStore(journal, here.account, spec.kind).summaries.finished(spec.run)
    return BatchTotals.from_json(ended[1]) if ended and ended[0] == digest else None


def print_ended(summary: BatchTotals, call: Call) -> int:
    if call.shown:
        done, part = summary.done, in_part(summary)
        rows = "1 row was" if done == 1 else f"all {done} rows were"
        print_err(tr(f"{rows} done before{part}", f"全部 {done} 行此前已完成{part}"))
        if call.spec.reading.models:  # one request, and meant to be made again perhaps
            where = shown_path(call.spec.folder)
            print_err(tr(f"they are in {where}; --run NAME makes them anew", f"结果在 {where}；用 --run 名称 重新生成"))
    return exit_code(summary)
