"""Results that were made, kept for a while: a resumed download does not make its file again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Any


class MadeFiles:
    """The last results by what they depend on; made in a thread, and only once however many wait for one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[Hashable, asyncio.Future[Any]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Any], threads: Executor) -> Any:
        """Return what `make` makes."""
        making = self._made.get(key)
        if making is None:
            making = asyncio.get_running_loop().run_in_executor(threads, make)
            self._made[key] = making
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        try:
            return await asyncio.shield(making)  # one of those that wait may go
        except Exception:
            self._made.pop(key, None)
            raise

    def made(self) -> list[Any]:
        """Return what is kept and ready, the newest first."""
        ready = [making for making in self._made.values() if making.done() and not making.cancelled()]
        return [making.result() for making in reversed(ready) if making.exception() is None]

    def clear(self) -> None:
        self._made.clear()
