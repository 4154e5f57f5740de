"""The ways a paid request is answered at once: whole, in pieces, or as sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian.engine.job import Job, Ports
from bailian.errors import BailianError, MaybeSent, SaveError, ServiceError, TransportError
from bailian.language import say
from bailian.modalities import of


class Broken(Exception):
    """A streamed answer broke off after some of it had come."""

    def __init__(self, answer: dict[str, Any], error: BailianError) -> None:
        super().__init__(error.message)
        self.answer = answer
        self.error = error


def called(job: Job, ports: Ports, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send a synchronous request and return its whole answer.

    Raises:
        Broken: it came in pieces and broke off.
        MaybeSent: it holds no result.
    """
    route = job.prepared["route"]
    if job.prepared["mode"] == "socket":
        answer = _spoken(job, ports, body)
    elif job.prepared.get("stream"):
        answer = _streamed(job, ports, body)
    else:
        answer = ports.service.call(route, body)
    if not of(job.kind).items(answer, job.prepared):
        raise MaybeSent(
            say("the service answered without a result", "服务应答中没有结果"), request_id=answer.get("request_id")
        )
    return answer


def _streamed(job: Job, ports: Ports, body: Mapping[str, Any]) -> dict[str, Any]:
    from bailian.modalities.text_answers import Assembly

    assembly = Assembly()
    try:
        for frame in ports.service.stream(job.prepared["route"], body):
            text, thought = assembly.add(frame)
            ports.progress.piece(job, text, thought)
    except (TransportError, ServiceError) as error:
        if not assembly.began:
            raise
        raise Broken(assembly.answer(), error) from None
    if not assembly.finished:
        missing = MaybeSent(say("the stream ended before the answer did", "数据流在回答完成前结束"))
        if not assembly.began:
            raise missing
        raise Broken(assembly.answer(), missing)
    return assembly.answer()


def _spoken(job: Job, ports: Ports, body: Mapping[str, Any]) -> dict[str, Any]:
    """Speak each part of the text; parts that an earlier run finished are not paid again."""
    from bailian.media.sounds import duration_ms
    from bailian.modalities.speech import joined, payload_of

    parameters = body["parameters"]
    answers, lengths_ms = [], []
    for text, path in zip(job.prepared["facts"]["parts"], sound_parts(job, ports), strict=True):
        answer = _kept_answer(path)
        if answer is None:
            answer = _speak(job, ports, payload_of(body, text), path)
        answers.append(answer)
        lengths_ms.append(duration_ms(path, parameters["format"], parameters["sample_rate"]))
    whole: dict[str, Any] = joined(answers, lengths_ms)
    return whole


def sound_parts(job: Job, ports: Ports) -> list[Path]:
    """Return where the sound of each part is kept until its file is made. The names follow from what is spoken, so
    the same command, run again after a failure, finds what was paid already."""
    from bailian.modalities.speech import payload_of

    folder = ports.journal.folder / "sounds"
    parts = job.prepared["facts"]["parts"]
    said = [json.dumps([ports.account, payload_of(job.prepared["body"], text)], sort_keys=True) for text in parts]
    # Two identical jobs at once must not share a file; a text in parts is worth continuing, one call is not.
    own = "" if len(parts) > 1 else job.id
    return [
        folder / f"{hashlib.sha256(f'{own}{i}{text}'.encode()).hexdigest()[:24]}.sound" for i, text in enumerate(said)
    ]


def _kept_answer(path: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) and path.is_file() else None


def _speak(job: Job, ports: Ports, payload: Mapping[str, Any], path: Path) -> dict[str, Any]:
    part = path.with_suffix(f".{job.id}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        answer = ports.speech().speak(payload, part)
        part.replace(path)
        whole = path.with_suffix(f".{job.id}.json")
        whole.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
        whole.replace(path.with_suffix(".json"))
    except OSError as error:
        raise SaveError(
            say(f"cannot write {path.parent}: {error.strerror}", f"无法写入 {path.parent}：{error.strerror}"),
            advice=say(
                "make room, or set BAILIAN_HOME to another folder", "请清理磁盘，或把 BAILIAN_HOME 设为其他目录"
            ),
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return answer
