"""The service of the benchmarks, as a program, whose texts a test lets go.

`/let-go` ends all that wait, at once. However slowly a busy machine sends, none of them is answered before.
"""

from __future__ import annotations

import asyncio

from benchmarks import stub_service

LONGEST_S = 100_000.0
BRIEF_S = 0.05


class HeldTexts(stub_service.Stub):
    """Answers texts as late as `--text-s` says, until they are let go; from then on soon."""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes, float]:
        if path != "/let-go":
            return super().answer(path, body)
        self.given.text_s = [BRIEF_S]
        loop = asyncio.get_running_loop()
        before = loop.time
        loop.time = lambda: before() + LONGEST_S  # type: ignore[method-assign]
        return 200, b"{}", 0.0


if __name__ == "__main__":
    stub_service.Stub = HeldTexts  # type: ignore[misc]
    stub_service.main()
