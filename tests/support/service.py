"""The sandbox of a test: what it was asked, and rates as if there were none."""

from __future__ import annotations

from bailian.sandbox import Sandbox
from bailian.sandbox.http.answers import LoggedRequest


class Lender:
    """One sandbox for all tests of a worker: to start one takes longer than many a test."""

    def __init__(self) -> None:
        self._box: Sandbox | None = None

    def lend(self, *, task_s: float, enforce_limits: bool = True) -> Sandbox:
        """Return a sandbox as new."""
        if self._box is None or not self._box.is_running:
            self._box = Sandbox(task_s=1.0).start()
        self._box.reset()
        self._box.settings.change({"task_s": task_s, "enforce_limits": enforce_limits})
        return self._box

    def take_back(self) -> None:
        """End what it still does for this test: that would be noted in the next one."""
        if self._box is not None and self._box.is_running:
            self._box.reset()

    def stop(self) -> None:
        if self._box is not None:
            self._box.stop()
        self._box = None


def first_post(box: Sandbox) -> LoggedRequest:
    """Return the first request that asks for something to be made."""
    return next(entry for entry in box.requests if entry.method == "POST")


FAST_MODELS = "".join(
    f'[models."{name}"]\nsubmit_per_s = 500\n' + (f"running_limit = {running}\n" if running else "")
    for name, running in {
        "wan2.2-t2i-flash": 1000, "wanx2.1-imageedit": 1000, "wan2.1-t2v-turbo": 1000,
        "qwen-plus": 0, "qwen-image-edit": 0, "sambert-zhichu-v1": 0, "paraformer-v1": 0,
    }.items()
)  # fmt: skip
"""Rates as if there were none: these tests are about loss, not about speed."""
