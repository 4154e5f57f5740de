"""A text as it comes. The engine runs on a thread of its own; whoever reads takes the pieces from a queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bailian.api.one_request import made
from bailian.api.results import Result
from bailian.api.running import Stop, stop_here
from bailian.errors import CutShort

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class Chunk:
    """A piece of an answer."""

    text: str
    thought: str = ""
    """What the model thinks before it answers."""

    def __str__(self) -> str:
        return self.text


class TextStream:
    """The pieces of one answer, and its result at the end. The request leaves at once.

        with text2text("…", stream=True) as stream:
            for chunk in stream:
                print(chunk, end="")
        print(stream.result.cost.charged_cny)

    Who leaves early ends it: what has come is paid, and in the journal.
    """

    def __init__(self, given: Mapping[str, Any], request: BaseModel | None = None) -> None:
        self._chunks: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._stop = Stop()
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._over = False

        def run() -> None:
            stop_here.set(self._stop)
            try:
                self._result = made("text", {**given, "stream": True}, request=request, on_chunk=self._put)
            except KeyboardInterrupt as error:  # nobody has pressed Ctrl-C: its reader has left
                self._error = CutShort(str(error), advice="")
            except BaseException as error:  # noqa: BLE001 - carried to the reader
                self._error = error
            self._chunks.put(None)

        context = copy_context()
        self._thread = threading.Thread(target=context.run, args=(run,), name="bailian-stream")
        self._thread.start()

    def _put(self, text: str, thought: str) -> None:
        self._chunks.put(Chunk(text, thought))

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the pieces as they come.

        Raises:
            BailianError: as of `text2text`, after the last piece that came.
        """
        while not self._over:
            chunk = self._chunks.get()
            if chunk is None:
                self._over = True
                break
            yield chunk
        if self._error is not None:
            raise self._error

    @property
    def result(self) -> Result:
        """Return the whole answer; what was not read yet is waited for.

        Raises:
            BailianError: as of `text2text`.
        """
        self._thread.join()
        if self._result is None:
            raise self._error or RuntimeError("the stream was closed")
        return self._result

    def end(self) -> None:
        """Let it end, without waiting for that."""
        if not self._over and self._thread.is_alive():
            self._stop.press()

    def close(self) -> None:
        """End it, if it is not over."""
        self.end()
        self._thread.join()

    def __enter__(self) -> TextStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
