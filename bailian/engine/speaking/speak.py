"""A text is spoken in parts, each kept on the disk until the file is made: what is paid for is not paid again.

Loading this loads what reads answers of speech: import it where a text is spoken.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bailian.counts import MOST_CHARACTERS, count_of
from bailian.engine.context import Services
from bailian.engine.job import Broken, Job
from bailian.engine.speaking.broken_sound import save_broken_sound
from bailian.engine.speaking.spoken_parts import (
    fetch_sound,
    forget_own,
    length_ms,
    lengths_ms,
    link_sound,
    shared_parts,
    sound_parts,
    take_part,
    text_parts,
    write_answer,
)
from bailian.errors import BailianError, CutShort, MaybeSent, NotSent, SaveError, ServiceError, TransportError
from bailian.files.sentences import split_text
from bailian.i18n import reason_of, tr
from bailian.modalities import modality_of
from bailian.modalities.audio.speech_answers import joined, link_of, payload_of, running_times, sound_form
from bailian.store.private import private_file
from bailian.text.counting import counted
from bailian.types import SpeechContext
from bailian.types.json_values import object_of, objects_of


def speak(job: Job, services: Services, body: Mapping[str, Any]) -> dict[str, Any]:
    """Speak each part of the text and return one answer; parts that an earlier run finished are not paid again.

    Raises:
        ServiceError, NotSent, MaybeSent: a part failed; what the others cost is in the journal.
        Broken: this process is about to leave, and some parts are not sent.
        SaveError: the home folder cannot be written.
    """
    texts = text_parts(job)
    answers: list[dict[str, Any]] = []
    try:
        for text, path, shared in zip(texts, sound_parts(job, services), shared_parts(job, services), strict=True):
            if services.run_state.stopping.is_set():
                raise _stopped(job, answers)
            answer = take_part(job, services, shared, path) if shared else None
            if answer is None:
                _take_turn(job, services, first=not answers)
                answer = _speak(job, services, payload_of(body, text), path, shared)
            answers.append(answer)
    except (TransportError, ServiceError, Broken) as error:
        if not isinstance(error, Broken):
            _charge(
                job, services, answers, in_doubt=isinstance(error, MaybeSent) or getattr(error, "maybe_done", False)
            )
            _save_what_came(job, services, len(answers), error)
        forget_own(job, services)
        raise
    whole: dict[str, Any] = joined(answers, lengths_ms(job, services))
    return whole


def _save_what_came(job: Job, services: Services, count: int, error: BailianError) -> None:
    """Save the sound of `count` parts and of the one that broke off, if it had begun."""
    paths = sound_parts(job, services)
    broken = paths[min(count, len(paths) - 1)].with_suffix(".part")
    if broken.is_file():
        save_broken_sound(job, [*paths[:count], broken], error)


def _take_turn(job: Job, services: Services, *, first: bool) -> None:
    """Wait for a place among the account's calls; the first part has one already."""
    if first:
        return
    wait_s = services.limits.rates.reserve(services.queue_of(job), job.limits.submit_per_s)
    if wait_s > 0:
        services.clock.sleep(wait_s)


def _speak(job: Job, services: Services, payload: Mapping[str, Any], path: Path, shared: Path | None) -> dict[str, Any]:
    """Have a part spoken; where it breaks off, `NAME.part` keeps what came."""
    part = path.with_suffix(".part")
    over_http = SpeechContext.of(job.prepared.context).http
    try:
        if over_http:
            answer = _called(job, services, payload)
            write_answer(path, answer)
            if shared is not None:
                _share(job, answer, path, shared)
                with contextlib.suppress(TransportError):  # its link is good for a day: saving the file tries again
                    fetch_sound(services, link_of(answer), path, shared)
        else:
            answer = _heard(job, services, payload, private_file(part))
            part.replace(path)
            write_answer(path, answer)
            if shared is not None and length_ms(path, payload) != 0:
                link_sound(path, shared)
                _share(job, answer, path, shared)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise SaveError(
            tr(f"cannot write {path.parent}: {reason_of(error)}", f"无法写入 {path.parent}：{reason_of(error)}"),
            advice=tr("make room, or set BAILIAN_HOME to another folder", "请清理磁盘，或把 BAILIAN_HOME 设为其他目录"),
        ) from None
    return answer


def _share(job: Job, answer: Mapping[str, Any], path: Path, shared: Path) -> None:
    """Let other jobs take a part; its answer says who has paid."""
    write_answer(shared, {**answer, "paid_by": job.id}, f"{path.stem}.shared")


def _called(job: Job, services: Services, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Have a part spoken over HTTP; its answer has a link, which is good for a day."""
    answer = services.service.call(job.prepared.route, payload)
    if not link_of(answer):
        request_id = str(answer.get("request_id") or "") or None
        error = MaybeSent(tr("the service answered without a sound", "服务应答中没有音频"), request_id=request_id)
        error.answer = answer
        raise error
    return {**answer, "kept_at_s": services.clock.wall()}


def _heard(job: Job, services: Services, payload: Mapping[str, Any], part: Path) -> dict[str, Any]:
    """Have a part spoken over the socket, its text with the question or in pieces behind it."""
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


def _stopped(job: Job, answers: Sequence[dict[str, Any]]) -> BailianError | Broken:
    count, total = len(answers), len(text_parts(job))
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
    texts = text_parts(job)
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
    texts, han_counts = text_parts(job), SpeechContext.of(job.prepared.context).han_counts
    pairs = zip(texts, known, strict=False)
    return sum(counted(text, han_counts) if count is None else count for text, count in pairs)
