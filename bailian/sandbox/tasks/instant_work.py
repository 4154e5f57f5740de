"""What every call goes through whose answer is there at once: words on demand, the rate, faults, the time it takes.

Importing this needs starlette.
"""

from __future__ import annotations

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import Refusal, output_inspection
from bailian.sandbox.state import State
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.tasks.requests import TaskRequest


async def instant_work(state: State, call: Call, request: TaskRequest, fault: Fault | None) -> None:
    """Count an accepted call, and let the time pass that it takes.

    Raises:
        Refusal: too many calls, or what the text or a fault asks for.
    """
    refuse_on_demand(request.prompt)
    state.account.count_call(request.model)
    if "[sandbox:fail]" in request.prompt:
        raise output_inspection()
    if fault is not None and fault.kind == "failed":
        status, code, message = fault.error()
        raise Refusal(500 if status == 200 else status, code, message)
    task = state.account.start_work(request, call.body, call.request_id, fault, blocking=True)
    await state.until(task.ended)
