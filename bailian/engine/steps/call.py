"""The ways a paid request is answered at once: whole, in pieces, or as sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.engine.job import Job, Ports
from bailian.engine.steps.speak import Broken, spoken
from bailian.errors import BailianError, CutShort, Interrupted, MaybeSent, ServiceError, TransportError
from bailian.i18n import say
from bailian.modalities import of


def called(job: Job, ports: Ports, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send a synchronous request and return its whole answer.

    Raises:
        Broken: it came in pieces and broke off.
        MaybeSent: it holds no result.
    """
    route = job.prepared["route"]
    if job.prepared["mode"] == "socket":
        answer = spoken(job, ports, body)
    elif job.prepared.get("stream"):
        answer = _streamed(job, ports, body)
    else:
        answer = ports.service.call(route, body)
    if not of(job.kind).items(answer, job.prepared):
        request_id = str(answer.get("request_id") or "") or None
        error = MaybeSent(say("the service answered without a result", "服务应答中没有结果"), request_id=request_id)
        error.answer = answer
        raise error
    return answer


def _streamed(job: Job, ports: Ports, body: Mapping[str, Any]) -> dict[str, Any]:
    from bailian.modalities.text_answers import Assembly

    assembly = ports.streams[job.id] = Assembly()
    error: BailianError = MaybeSent(say("the stream ended before the answer did", "数据流在回答完成前结束"))
    try:
        for frame in ports.service.stream(job.prepared["route"], body):
            text, thought = assembly.add(frame)
            if job.id not in ports.streams:
                break
            ports.progress.piece(job, text, thought)
    except (TransportError, ServiceError) as broke:
        error = broke
    if ports.streams.pop(job.id, None) is None:  # nobody waits for it any more, and its end is written down
        raise Interrupted(say("interrupted", "已中断"))
    if assembly.finished:  # what broke afterwards took nothing away
        return assembly.answer()
    raise Broken(assembly.answer(), error) if assembly.began else error


def left_behind(job: Job, ports: Ports) -> Broken | None:
    """Return what has come of an answer that nobody waits for any more; its thread adds nothing to it."""
    assembly = ports.streams.pop(job.id, None)
    if assembly is None or not assembly.began:
        return None
    late = CutShort(say("nobody waited for the rest (Ctrl-C or --timeout)", "未等到其余部分（Ctrl-C 或 --timeout）"))
    return Broken(assembly.answer(), late)
