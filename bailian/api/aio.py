"""The same functions to be awaited. The loop is never blocked: each call runs on a thread of its own.

A call that is cancelled ends as Ctrl-C ends it: nothing more is sent, the answer to what is paid is waited for and kept,
and then it is cancelled. `wait` fetches what runs on; the text of the `CancelledError` names it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import copy_context
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from bailian.api import batch_runs, fetching, functions
from bailian.api.running import Stop, stop_here
from bailian.api.text_streams import Chunk, TextStream

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, Unpack

    from bailian.api.keywords import TextOptions
    from bailian.api.results import Result
    from bailian.modalities.text.text_request import TextRequest

    P = ParamSpec("P")
R = TypeVar("R")
CALLBACKS = ("progress", "on_row")


async def in_thread(call: Callable[[], R]) -> R:
    """Run a call on a thread of its own; cancelled, it is ended and waited for.

    Raises:
        CancelledError: with what runs on, after what is paid was kept.
    """
    loop, stop = asyncio.get_running_loop(), Stop()
    future: asyncio.Future[R] = loop.create_future()

    def settle(value: R | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        stop_here.set(stop)
        value: R | None = None
        error: BaseException | None = None
        try:
            value = call()
        except KeyboardInterrupt as interrupted:  # what has ended it is this thread's own stop
            error = asyncio.CancelledError(str(interrupted))
        except BaseException as raised:  # noqa: BLE001 - carried to the loop
            error = raised
        loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=copy_context().run, args=(run,), name="bailian-call").start()
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError as cancelled:
        if future.done():
            raise
        stop.press()
        await asyncio.wait([future])
        told = future.exception() if not future.cancelled() else None
        raise (told if isinstance(told, asyncio.CancelledError) else cancelled) from None


def twin(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return a function's twin to be awaited; its callbacks are called in the loop."""

    @wraps(function)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()

        def in_loop(callback: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda event: void(loop.call_soon_threadsafe(callback, event))

        given: dict[str, Any] = dict(kwargs)
        for name in CALLBACKS:
            if given.get(name) is not None:
                given[name] = in_loop(given[name])
        return await in_thread(lambda: function(*args, **given))

    return awaited


def void(_value: object) -> None:
    """Return nothing."""


text2image = twin(functions.text2image)
edit_image = twin(functions.edit_image)
wanx_edit = twin(functions.wanx_edit)
text2video = twin(functions.text2video)
speak = twin(functions.speak)
transcribe = twin(functions.transcribe)
run_batch = twin(batch_runs.run_batch)
wait = twin(fetching.wait)
wait_all = twin(fetching.wait_all)


async def text2text(prompt: str | TextRequest, **options: Unpack[TextOptions]) -> Result:
    """Answer a text."""
    return await twin(functions.text2text)(prompt, **options)


async def stream_text(prompt: str | TextRequest, **options: Unpack[TextOptions]) -> AsyncIterator[Chunk]:
    """Yield the pieces of an answer as they come; who leaves early ends it, and what came is in the journal."""
    given, request = await in_thread(lambda: functions.text_request(prompt, options))
    stream = TextStream(given, request)
    pieces = iter(stream)
    try:
        while (chunk := await asyncio.to_thread(next, pieces, None)) is not None:
            yield chunk
    finally:
        stream.end()
        await asyncio.shield(asyncio.to_thread(stream.close))
