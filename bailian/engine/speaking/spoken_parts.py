"""The parts of a text that are spoken already: on the disk until the file is made, so that none is paid again.

Over the socket the sound of a part is kept, over HTTP its answer first, whose link is good for a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.errors import TransportError
from bailian.files.under_way import forget_files, under_way
from bailian.i18n import tr
from bailian.service.download import LinkExpired
from bailian.store.private import private_file
from bailian.types import Notice, SpeechContext
from bailian.types.json_values import number_of

LINK_S = 23 * 3600.0
"""How long the link of a part that was paid is trusted: the service keeps a sound for 24 hours (COSY-HTTP)."""


def text_parts(job: Job) -> tuple[str, ...]:
    """Return the text as it is sent: a task each; nothing of a job that is not spoken."""
    return SpeechContext.of(job.prepared.context).parts


def sound_parts(job: Job, services: Services) -> list[Path]:
    """Return where the job keeps the sound of each part until its file is made; nobody else touches it there."""
    folder = under_way(services.journal.folder)
    return [folder / f"{job.id}.{index}.sound" for index in range(len(text_parts(job)))]


def forget_own(job: Job, services: Services) -> None:
    """Remove what is kept for this job alone; parts of a long text stay for the next."""
    forget_files(services.journal.folder, job.id)


def forget_sound(job: Job, services: Services) -> None:
    """Remove what was kept of a job whose files are made."""
    forget_own(job, services)
    for path in filter(None, shared_parts(job, services)):
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def shared_parts(job: Job, services: Services) -> list[Path | None]:
    """Return where parts are kept for other jobs. The names follow from what is spoken, so the same command, run
    again after a failure, finds what was paid already. A text of one part is not worth it."""
    texts = text_parts(job)
    if len(texts) < 2:
        return [None] * len(texts)
    from bailian.modalities.audio.speech_answers import payload_of

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
    if path.is_file():
        return answer
    kept_at_s = number_of(answer.get("kept_at_s")) or 0.0
    return answer if link_of(answer) and 0 <= services.clock.wall() - kept_at_s < LINK_S else None


def take_part(job: Job, services: Services, shared: Path, path: Path) -> dict[str, Any] | None:
    """Take a part that is there already; what another job has paid costs this one nothing."""
    answer = _kept(shared, services)
    if answer is None:
        return None
    if not shared.is_file() and not _still_there(answer, services, path, shared):
        text = tr(
            "the link of a part that was paid is refused: that part is spoken, and paid, again",
            "一段已付费音频的链接已失效：该段将重新合成并计费",
        )
        job.notices.append(Notice("part_again", text))
        return None
    if answer.get("paid_by") != job.id:
        answer["usage"] = {"characters": 0}
    try:
        if shared.is_file():
            link_sound(shared, path)
        write_answer(path, answer)
    except OSError:  # the other job has just finished and removed it
        return None
    return answer


def _still_there(answer: Mapping[str, Any], services: Services, path: Path, shared: Path) -> bool:
    """Ask for the sound behind a link; return whether it is here, or may still come."""
    from bailian.modalities.audio.speech_answers import link_of

    try:
        fetch_sound(services, link_of(answer), path, shared)
    except LinkExpired:
        return False
    except TransportError:
        return True  # no word of the link: the file asks for it again
    return True


def answer_on_disk(job: Job, services: Services) -> dict[str, Any] | None:
    """Return the answer of a job whose sound came whole before its process ended."""
    from bailian.modalities.audio.speech_answers import joined

    answers = [answer for path in sound_parts(job, services) if (answer := _kept(path, services)) is not None]
    if not answers or len(answers) < len(sound_parts(job, services)):
        return None
    whole: dict[str, Any] = joined(answers, lengths_ms(job, services))
    return whole


def fetch_sounds(job: Job, services: Services) -> None:
    """Fetch the sounds that are behind links and not here yet; one bad link keeps no other from being fetched.

    Raises:
        TransportError: one did not come; its link is good for a day.
    """
    from bailian.modalities.audio.speech_answers import links_of

    links = links_of(job.answer or {})
    bad: TransportError | None = None
    if len(links) != len(text_parts(job)):
        return
    for url, path, shared in zip(links, sound_parts(job, services), shared_parts(job, services), strict=True):
        if not path.is_file():
            try:
                fetch_sound(services, url, path, shared)
            except TransportError as error:
                bad = bad or error
    if bad is not None:
        raise bad


def fetch_sound(services: Services, url: str, path: Path, shared: Path | None) -> None:
    """Fetch the sound of a part that has its answer already; a part of a long text is kept for other jobs, too.

    Raises:
        TransportError: it did not come.
    """
    part = private_file(path.with_suffix(".part"))
    services.downloader.fetch(url, part)
    part.replace(path)
    if shared is not None:
        link_sound(path, shared)


def forget_lost_parts(job: Job, services: Services) -> int:
    """Forget the answers of parts whose sound is not here and cannot be had any more; return how many others stay."""
    shared = [path for path in shared_parts(job, services) if path is not None]
    here = [path for path in shared if path.is_file()]
    for path in set(shared) - set(here):
        path.with_suffix(".json").unlink(missing_ok=True)
    return len(here)


def write_answer(path: Path, answer: Mapping[str, Any], aside_name: str = "") -> None:
    """Say that a sound is whole: its answer is there, and is whole too."""
    aside = path.with_name(f"{aside_name or path.stem}.answer")
    private_file(aside).write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    aside.replace(path.with_suffix(".json"))


def link_sound(one: Path, other: Path) -> None:
    """Have the same sound under another name, unless there is one."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(one, other)
        except FileExistsError:
            raise
        except OSError:  # no links on this file system
            aside = other.with_name(f"{one.stem}.{other.stem}.part")
            shutil.copyfile(one, aside)
            aside.replace(other)


def lengths_ms(job: Job, services: Services) -> list[int | None]:
    """Return how long each part plays; None where that is not known."""
    if SpeechContext.of(job.prepared.context).http:  # the sounds are still where their links lead
        return [None] * len(text_parts(job))
    return [length_ms(path, job.prepared.body) or None for path in sound_parts(job, services)]


def length_ms(path: Path, payload: Mapping[str, Any]) -> int | None:
    """Return how long a part plays; 0 if it is no sound (who makes the file says so), None where nobody knows."""
    from bailian.files.audio import duration_ms
    from bailian.modalities.audio.speech_answers import sound_form

    form = sound_form(payload)
    try:
        return duration_ms(path, form.suffix, form.sample_rate_hz)
    except ValueError:
        return 0
