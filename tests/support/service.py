"""The sandbox of a test: what it was asked, and rates as if there were none."""

from __future__ import annotations

from bailian.sandbox import Sandbox
from bailian.sandbox.http.answers import LoggedRequest


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
