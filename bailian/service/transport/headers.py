"""The headers of every API request. Apart from the rest, so that showing them loads no HTTP library."""

from __future__ import annotations

from bailian.config.settings import Settings

# Both switches, as the vendor's SDK 2.0.2 sends them; the page names the second (Qwen API reference, 2025-12).
STREAM_HEADERS = {"Accept": "text/event-stream", "X-DashScope-SSE": "enable"}

RESOLVE_HEADERS = {"X-DashScope-OssResourceResolve": "enable"}


def request_headers(settings: Settings, *, masked: bool = False) -> dict[str, str]:
    """Return the headers of every API request; with `masked`, for showing."""
    key = settings.api_key
    shown = "" if key is None else key.masked if masked else key.reveal()
    headers = {"Authorization": f"Bearer {shown}"}
    if settings.workspace:
        headers["X-DashScope-WorkSpace"] = settings.workspace
    return headers
