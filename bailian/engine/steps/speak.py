"""A text is spoken in parts, each kept on the disk until the file is made: what is paid for is not paid again.

Over the socket the sound of a part is kept, over HTTP its answer, whose link is fetched when the file is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bailian.counts import MOST_CHARACTERS, count_of
from bailian.engine.context import Services
from bailian.engine.job import Broken, Job
from bailian.errors import BailianError, CutShort, MaybeSent, NotSent, SaveError, ServiceError, TransportError
from bailian.files.sentences import split_text
from bailian.files.under_way import forget_files, under_way
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.store.private import private_file
from bailian.text.counting import counted
from bailian.types import SpeechContext
from bailian.types.json_values import number_of, object_of, objects_of

LINK_S = 23 * 3600.0
"""How long the link of a part that was paid is trusted: the service keeps a sound for 24 hours (COSY-HTTP)."""


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
            answer = _taken(job, services, shared, path) if shared else None
            if answer is None:
                _take_turn(job, services, first=not answers)
                answer = _speak(job, services, payload_of(body, text), path, shared)
            answers.append(answer)
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

    answers = [answer for path in sound_parts(job, services) if (answer := _kept(path, services)) is not None]
    if not answers or len(answers) < len(sound_parts(job, services)):
        return None
    whole: dict[str, Any] = joined(answers, _lengths_ms(job, services))
    return whole


def _take_turn(job: Job, services: Services, *, first: bool) -> None:
    """Wait for a place among the account's calls; the first part has one already."""
    if first:
        return
    wait_s = services.limits.rates.reserve(services.queue_of(job), job.limits.submit_per_s)
    if wait_s > 0:
        services.clock.sleep(wait_s)


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


def _kept(path: Path, services: Services) -> dict[str, Any] | None:
    """Return the answer of a part that is here: with its sound, or with a link that still leads to it."""
    from bailian.modalities.audio.speech_answers import link_of

    try:
        answer = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(answer, dict):
        return None
    if link_of(answer):
        kept_at_s = number_of(answer.get("kept_at_s")) or 0.0
        return answer if 0 <= services.clock.wall() - kept_at_s < LINK_S else None
    return answer if path.is_file() else None


def _taken(job: Job, services: Services, shared: Path, path: Path) -> dict[str, Any] | None:
    """Take a part that is there already; what another job has paid costs this one nothing."""
    answer = _kept(shared, services)
    if answer is None:
        return None
    if answer.get("paid_by") != job.id:
        answer["usage"] = {"characters": 0}
    try:
        if shared.is_file():
            _link(shared, path)
        _write_answer(path, answer)
    except OSError:  # the other job has just finished and removed it
        return None
    return answer


def _speak(job: Job, services: Services, payload: Mapping[str, Any], path: Path, shared: Path | None) -> dict[str, Any]:
    part = path.with_suffix(".part")
    over_http = SpeechContext.of(job.prepared.context).http
    try:
        answer = _called(job, services, payload) if over_http else _heard(job, services, payload, private_file(part))
        if not over_http:
            part.replace(path)
        _write_answer(path, answer)
        if shared is not None and (over_http or _length_ms(path, payload) != 0):
            if not over_http:
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


def _called(job: Job, services: Services, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Have a part spoken over HTTP; its answer has a link, which is good for a day."""
    from bailian.modalities.audio.speech_answers import link_of

    answer = services.service.call(job.prepared.route, payload)
    if not link_of(answer):
        request_id = str(answer.get("request_id") or "") or None
        error = MaybeSent(tr("the service answered without a sound", "服务应答中没有音频"), request_id=request_id)
        error.answer = answer
        raise error
    return {**answer, "kept_at_s": services.clock.wall()}


def _heard(job: Job, services: Services, payload: Mapping[str, Any], part: Path) -> dict[str, Any]:
    """Have a part spoken over the socket, its text with the question or in pieces behind it."""
    from bailian.modalities.audio.speech_answers import running_times, sound_form

    context = SpeechContext.of(job.prepared.context)
    form = sound_form(payload)
    # A WAV begins with its length, and a part with a head of its own.
    begins_alone = form.suffix != "wav" and len(context.parts) == 1
    heard = partial(services.progress.on_sound, job) if begins_alone else _unheard
    if context.piece_chars is None:
        return services.speech().speak(payload, part, heard=heard)
    pieces = split_text(str(payload["input"]["text"]), context.piece_chars, context.han_counts)
    answer = services.speech().speak(payload, part, pieces=pieces, heard=heard)
    output = object_of(answer.get("output"))
    sentences = running_times(objects_of(output.get("sentences")), form)
    return {**answer, "output": {**output, "sentences": sentences}}


def _unheard(_sound: bytes) -> None:
    pass


def fetch_sounds(job: Job, services: Services) -> None:
    """Fetch the sounds that are behind links and not here yet.

    Raises:
        TransportError: one did not come; its link is good for a day.
    """
    from bailian.modalities.audio.speech_answers import links_of

    links = links_of(job.answer or {})
    if len(links) != len(_parts(job)):
        return
    for url, path in zip(links, sound_parts(job, services), strict=True):
        if not path.is_file():
            part = private_file(path.with_suffix(".part"))
            services.downloader.fetch(url, part)
            part.replace(path)


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
    if SpeechContext.of(job.prepared.context).http:  # the sounds are still where their links lead
        return [None] * len(_parts(job))
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
    han_counts = SpeechContext.of(job.prepared.context).han_counts
    doubtful = counted(texts[len(answers)], han_counts) if in_doubt and answers else 0
    count = _characters(job, answers) + doubtful
    if count:
        job.charged_cny = modality_of(job.kind).charged_cny({"usage": {"characters": count}}, job.prepared)
        if job.charged_cny is not None:  # without a price it is not known, which is not nothing
            services.journal.record_cost(job.id, job.charged_cny)


def _characters(job: Job, answers: Sequence[Mapping[str, Any]]) -> int:
    """Return how many characters were billed; where the service told no figure, the text's own."""
    known = [count_of((answer.get("usage") or {}).get("characters"), MOST_CHARACTERS) for answer in answers]
    texts, han_counts = _parts(job), SpeechContext.of(job.prepared.context).han_counts
    pairs = zip(texts, known, strict=False)
    return sum(counted(text, han_counts) if count is None else count for text, count in pairs)
