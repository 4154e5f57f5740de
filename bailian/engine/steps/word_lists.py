"""Lists of hot words in the account: made before a request leaves, removed when no request needs them any more.

What is about to be made is written down first, in the home's folder `hot-words`: a file a list, and one with the jobs
that it was made for. So the next run removes what a killed one has left. A list is one process's, model's and content's.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.errors import BailianError, SaveError, ServiceError, TransportError
from bailian.i18n import reason_of, tr
from bailian.store.private import private_file
from bailian.store.states import Status
from bailian.types import TranscriptionContext
from bailian.types.json_values import object_of, objects_of, text_of

FOLDER = "hot-words"
ROUTE = "/services/audio/asr/customization"
_MODEL = "speech-biasing"
_PREFIX = "bt"
_GONE = "ResourceNotExist"
_MAKING = threading.Lock()


def has_word_list(job: Job) -> bool:
    """Return whether a list is to be made before the job's request leaves."""
    return bool(TranscriptionContext.of(job.prepared.context).hot_words)


def with_word_list(job: Job, services: Services, body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with the list of the job's hot words, which is there then; without any, the body itself.

    Raises:
        TransportError, ServiceError: it could not be made; nothing was paid.
        SaveError: the home folder cannot be written.
    """
    words = [dict(one) for one in TranscriptionContext.of(job.prepared.context).hot_words]
    if not words:
        return body
    with _MAKING:
        try:
            vocabulary_id = _list_for(job, services, words)
        except OSError as error:
            folder = services.journal.folder
            raise SaveError(
                tr(f"cannot write {folder}: {reason_of(error)}", f"无法写入 {folder}：{reason_of(error)}"),
                advice=tr(
                    "make room, or set BAILIAN_HOME to another folder", "请清理磁盘，或把 BAILIAN_HOME 设为其他目录"
                ),
            ) from None
    return {**body, "parameters": {**body["parameters"], "vocabulary_id": vocabulary_id}}


def _list_for(job: Job, services: Services, words: list[dict[str, Any]]) -> str:
    said = json.dumps([services.account, services.lease.id, job.wire_model, words], sort_keys=True)
    prefix = _PREFIX + hashlib.sha256(said.encode()).hexdigest()[:8]
    path = services.journal.folder / FOLDER / f"{prefix}.json"
    known = _read(path)
    is_new = not known
    if is_new:
        known = {"account": services.account, "owner": services.lease.id, "model": job.wire_model}
        _write(path, known)
    with private_file(path.with_suffix(".jobs")).open("a", encoding="utf-8") as jobs:
        jobs.write(f"{job.id}\n")
    if not is_new and not known.get("vocabulary_id"):  # asked for before, and no answer came
        known["vocabulary_id"] = next(iter(_ids(services, prefix)), "")
    if not known.get("vocabulary_id"):
        asked = {"action": "create_vocabulary", "target_model": job.wire_model, "prefix": prefix, "vocabulary": words}
        known["vocabulary_id"] = text_of(_output(services, asked).get("vocabulary_id"))
    if not known["vocabulary_id"]:
        raise TransportError(tr("the service made no list of hot words", "服务未返回热词表 ID"))
    _write(path, known)
    return str(known["vocabulary_id"])


def remove_word_lists(services: Services) -> None:
    """Remove the lists of this process, and of processes that are dead, which no task needs any more. What cannot be
    removed now, the next run removes."""
    folder = services.journal.folder / FOLDER
    if not folder.is_dir():
        return
    for path in folder.glob("*.part"):  # half of one, of a process that was killed as it wrote
        with suppress(OSError):
            if services.lease.is_dead(path.stem):
                path.unlink(missing_ok=True)
    for path in folder.glob("*.json"):
        with suppress(BailianError, OSError):
            known = _read(path)
            owner = text_of(known.get("owner"))
            mine = known.get("account") == services.account
            if mine and (owner == services.lease.id or services.lease.is_dead(owner)) and not _needed(path, services):
                _remove(path, known, services)


def _needed(path: Path, services: Services) -> bool:
    """Return whether a task of one of its jobs may still run. A call ended with its process."""
    try:
        ids = path.with_suffix(".jobs").read_text(encoding="utf-8").split()
    except OSError:
        return False
    for job_id in dict.fromkeys(ids):
        row = services.journal.job(job_id)
        if row is None:
            continue
        if row.state in (Status.SUBMITTED, Status.UNSETTLED):
            return True
        if row.state == Status.SENDING and row.prepared.mode == Mode.TASK:
            return True
    return False


def _remove(path: Path, known: Mapping[str, Any], services: Services) -> None:
    named = text_of(known.get("vocabulary_id"))
    for vocabulary_id in [named] if named else _ids(services, path.stem):
        _delete(services, vocabulary_id)
    path.with_suffix(".jobs").unlink(missing_ok=True)
    path.unlink()


def _delete(services: Services, vocabulary_id: str) -> None:
    try:
        _output(services, {"action": "delete_vocabulary", "vocabulary_id": vocabulary_id})
    except ServiceError as error:
        if _GONE not in (error.wire_code or ""):
            raise


def _ids(services: Services, prefix: str) -> list[str]:
    """Return the lists of a prefix: no other process makes one of the same."""
    output = _output(services, {"action": "list_vocabulary", "prefix": prefix, "page_index": 0, "page_size": 10})
    found = [text_of(one.get("vocabulary_id")) for one in objects_of(output.get("vocabulary_list"))]
    return [one for one in found if prefix in one]


def _output(services: Services, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return object_of(services.service.customize(ROUTE, {"model": _MODEL, "input": dict(inputs)}).get("output"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return object_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write(path: Path, known: Mapping[str, Any]) -> None:
    aside = private_file(path.with_name(f"{known.get('owner')}.part"))
    aside.write_text(json.dumps(known), encoding="utf-8")
    aside.replace(path)
