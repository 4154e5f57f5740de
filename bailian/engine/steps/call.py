"""The ways a paid request is answered at once: whole, in pieces, or as sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.engine.context import Services
from bailian.engine.job import Broken, Job
from bailian.errors import BailianError, CutShort, Interrupted, MaybeSent, ServiceError, TransportError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import call_headers, modality_of, opening


def call(job: Job, services: Services, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send a synchronous request and return its whole answer.

    Raises:
        Broken: it came in pieces and broke off.
        MaybeSent: it holds no result.
    """
    if job.kind == "speech":
        from bailian.engine.speaking.speak import speak  # loads what speech needs

        answer = speak(job, services, body)
    elif job.prepared.stream:
        answer = _streamed(job, services, body)
    else:
        answer = services.service.call(job.prepared.route, body, call_headers(job.kind, body))
        compacted = getattr(modality_of(job.kind), "compacted", None)
        answer = compacted(answer) if compacted else answer
    if not job.items_of(answer):
        request_id = str(answer.get("request_id") or "") or None
        error = MaybeSent(tr("the service answered without a result", "服务应答中没有结果"), request_id=request_id)
        error.answer = answer
        raise error
    return answer


def _streamed(job: Job, services: Services, body: Mapping[str, Any]) -> dict[str, Any]:
    from bailian.modalities.text.text_answers import Assembly

    assembly = services.run_state.streams[job.id] = Assembly()
    begun = opening(job.kind, job.prepared)
    error: BailianError = MaybeSent(tr("the stream ended before the answer did", "数据流在回答完成前结束"))
    try:
        for frame in services.service.stream(job.prepared.route, body):
            text, thought = assembly.add(frame)
            if job.id not in services.run_state.streams:
                break
            shown, begun = (begun + text, "") if text else (text, begun)
            services.progress.on_chunk(job, shown, thought)
    except (TransportError, ServiceError) as broke:
        error = broke
    if (
        services.run_state.streams.pop(job.id, None) is None
    ):  # nobody waits for it any more, and its end is written down
        raise Interrupted(tr("interrupted", "已中断"))
    if assembly.finished:  # what broke afterwards took nothing away
        return assembly.answer()
    raise Broken(assembly.answer(), error) if assembly.began else error


def take_partial_answer(job: Job, services: Services) -> Broken | None:
    """Return what has come of an answer that nobody waits for any more; its thread adds nothing to it."""
    assembly = services.run_state.streams.pop(job.id, None)
    if assembly is None or not assembly.began:
        return None
    late = CutShort(
        tr(
            f"nobody waited for the rest ({how_to().interrupt()} or {how_to().time_limit()})",
            f"未等到其余部分（{how_to().interrupt()} 或 {how_to().time_limit()}）",
        )
    )
    return Broken(assembly.answer(), late)
