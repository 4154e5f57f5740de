"""A text is spoken in parts, each kept on the disk until the file is made: what is paid for is not paid again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bailian.counts import MOST_CHARACTERS, count_of
from bailian.engine.context import Services
from bailian.engine.job import Broken, Job
from bailian.errors import BailianError, CutShort, MaybeSent, NotSent, SaveError, ServiceError, TransportError
from bailian.files.under_way import forget_files, under_way
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.store.private import private_file
from bailian.types import SpeechContext


def speak(job: Job, services: Services, body: Mapping[str, Any]) -> dict[str, Any]:
    """Speak each part of the text and return one answer; parts that an earlier run finished are not paid again.

    Raises:
        ServiceError, NotSent, MaybeSent: a part failed; what the others cost is in the journal.
        Broken: this process is about to leave, and some parts are not sent.
        SaveError: the home folder cannot be written.
    """
    from bailian.modalities.audio.speech_answers import joined, payload_of

    texts = _parts(job)
    answers: list[dict[str, Any]] = []
    try:
        for text, path, shared in zip(texts, sound_parts(job, services), _shared_parts(job, services), strict=True):
            if services.run_state.stopping.is_set():
                raise _stopped(job, answers)
            answer = _taken(job, shared, path) if shared else None
            answers.append(answer or _speak(job, services, payload_of(body, text), path, shared))
    except (TransportError, ServiceError, Broken) as error:
        if not isinstance(error, Broken):
            _charge(
                job, services, answers, in_doubt=isinstance(error, MaybeSent) or getattr(error, "maybe_done", False)
            )
        forget_own(job, services)
        raise
    whole: dict[str, Any] = joined(answers, _lengths_ms(job, services))
    return whole


def answer_on_disk(job: Job, services: Services) -> dict[str, Any] | None:
    """Return the answer of a job whose sound came whole before its process ended."""
    from bailian.modalities.audio.speech_answers import joined

    answers = [answer for path in sound_parts(job, services) if (answer := _kept(path)) is not None]
    if not answers or len(answers) < len(sound_parts(job, services)):
        return None
    whole: dict[str, Any] = joined(answers, _lengths_ms(job, services))
    return whole


def _parts(job: Job) -> tuple[str, ...]:
    """Return the text as it is sent: a task each; nothing of a job that is not spoken."""
    return SpeechContext.of(job.prepared.context).parts


def sound_parts(job: Job, services: Services) -> list[Path]:
    """Return where the job keeps the sound of each part until its file is made; nobody else touches it there."""
    folder = under_way(services.journal.folder)
    return [folder / f"{job.id}.{index}.sound" for index in range(len(_parts(job)))]


def forget_own(job: Job, services: Services) -> None:
    """Remove what is kept for this job alone; parts of a long text stay for the next."""
    forget_files(services.journal.folder, job.id)


def forget_sound(job: Job, services: Services) -> None:
    """Remove what was kept of a job whose files are made."""
    forget_own(job, services)
    for path in filter(None, _shared_parts(job, services)):
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _shared_parts(job: Job, services: Services) -> list[Path | None]:
    """Return where parts are kept for other jobs. The names follow from what is spoken, so the same command, run
    again after a failure, finds what was paid already. A text of one part is not worth it."""
    from bailian.modalities.audio.speech_answers import payload_of

    texts = _parts(job)
    if len(texts) < 2:
        return [None] * len(texts)
    said = [json.dumps([services.account, payload_of(job.prepared.body, text)], sort_keys=True) for text in texts]
    names = [hashlib.sha256(f"{index}{text}".encode()).hexdigest()[:24] for index, text in enumerate(said)]
    return [under_way(services.journal.folder) / f"{name}.sound" for name in names]


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) and path.is_file() else None


def _taken(job: Job, shared: Path, path: Path) -> dict[str, Any] | None:
    """Take a part that is there already; what another job has paid costs this one nothing."""
    answer = _kept(shared)
    if answer is None:
        return None
    if answer.get("paid_by") != job.id:
        answer["usage"] = {"characters": 0}
    try:
        _link(shared, path)
        _write_answer(path, answer)
    except OSError:  # the other job has just finished and removed it
        return None
    return answer


def _speak(job: Job, services: Services, payload: Mapping[str, Any], path: Path, shared: Path | None) -> dict[str, Any]:
    part = path.with_suffix(".part")
    try:
        answer = services.speech().speak(payload, private_file(part))
        part.replace(path)
        _write_answer(path, answer)
        if shared is not None and _length_ms(path, payload) != 0:
            _link(path, shared)
            _write_answer(shared, {**answer, "paid_by": job.id}, f"{path.stem}.shared")
    except OSError as error:
        raise SaveError(
            tr(f"cannot write {path.parent}: {error.strerror}", f"无法写入 {path.parent}：{error.strerror}"),
            advice=tr("make room, or set BAILIAN_HOME to another folder", "请清理磁盘，或把 BAILIAN_HOME 设为其他目录"),
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return answer


def _write_answer(path: Path, answer: Mapping[str, Any], aside_name: str = "") -> None:
    """Say that a sound is whole: its answer is there, and is whole too."""
    aside = path.with_name(f"{aside_name or path.stem}.answer")
    private_file(aside).write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    aside.replace(path.with_suffix(".json"))


def _link(one: Path, other: Path) -> None:
    with contextlib.suppress(FileExistsError):
        try:
            os.link(one, other)
        except FileExistsError:
            raise
        except OSError:  # no links on this file system
            aside = other.with_name(f"{one.stem}.{other.stem}.part")
            shutil.copyfile(one, aside)
            aside.replace(other)


def _lengths_ms(job: Job, services: Services) -> list[int | None]:
    return [_length_ms(path, job.prepared.body) or None for path in sound_parts(job, services)]


def _length_ms(path: Path, payload: Mapping[str, Any]) -> int | None:
    """Return how long a part plays; 0 if it is no sound (who makes the file says so), None where nobody knows."""
    from bailian.files.audio import duration_ms
    from bailian.modalities.audio.speech_answers import sound_form

    form = sound_form(payload)
    try:
        return duration_ms(path, form.suffix, form.sample_rate_hz)
    except ValueError:
        return 0


def _stopped(job: Job, answers: Sequence[dict[str, Any]]) -> BailianError | Broken:
    count, total = len(answers), len(_parts(job))
    if not count:
        return NotSent(tr("interrupted before anything was sent", "在发出请求前已中断"))
    part = {"usage": {"characters": _characters(job, answers)}, "output": {"audio_bytes": 0}}
    error = CutShort(
        tr(f"interrupted after {count} of {total} parts of the text", f"文本共 {total} 段，完成 {count} 段后中断"),
        advice=tr(
            "run the command again: those parts are kept and not paid twice",
            "请重新运行：已完成的部分已保存，不会重复计费",
        ),
    )
    return Broken(part, error)


def _charge(job: Job, services: Services, answers: Sequence[Mapping[str, Any]], *, in_doubt: bool) -> None:
    """Put what the parts cost into the ledger, though the whole has failed; one in doubt may have been billed."""
    texts = _parts(job)
    count = _characters(job, answers) + (len(texts[len(answers)]) if in_doubt and answers else 0)
    if count:
        job.charged_cny = modality_of(job.kind).charged_cny({"usage": {"characters": count}}, job.prepared)
        if job.charged_cny is not None:  # without a price it is not known, which is not nothing
            services.journal.record_cost(job.id, job.charged_cny)


def _characters(job: Job, answers: Sequence[Mapping[str, Any]]) -> int:
    """Return how many characters were billed; where the service told no figure, the text's own."""
    known = [count_of((answer.get("usage") or {}).get("characters"), MOST_CHARACTERS) for answer in answers]
    texts = _parts(job)
    return sum(len(text) if count is None else count for text, count in zip(texts, known, strict=False))
