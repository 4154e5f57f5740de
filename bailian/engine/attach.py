"""Just before a request leaves: its local files become data URIs, or uploads."""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from bailian.engine.job import Job, Ports
from bailian.errors import InvalidRequest
from bailian.language import say
from bailian.media import kinds
from bailian.media.inputs import path_of
from bailian.wire.upload import upload

# The service counts the encoded string, at most 10 MiB each; it advises raw files below 7 MB (error page, 2025-12).
DATA_URI_MAX_BYTES = 7_000_000
MIME = {"jpg": "image/jpeg", "png": "image/png", "bmp": "image/bmp", "tiff": "image/tiff", "webp": "image/webp"}


def attached(job: Job, ports: Ports) -> dict[str, Any]:
    """Return the body with every `file://` value replaced.

    Raises:
        InvalidRequest: a file is gone; nothing was sent.
        TransportError, ServiceError: an upload failed; nothing was paid.
    """
    body: dict[str, Any] = deepcopy(job.prepared["body"])
    by_upload = bool(job.prepared.get("upload"))

    def replacement(url: str) -> str:
        path = path_of(url)
        try:
            large = path.stat().st_size > DATA_URI_MAX_BYTES
            return upload(ports.service, path, job.wire_model) if by_upload or large else _data_uri(path)
        except OSError as error:
            raise InvalidRequest.one(
                "image", say(f"cannot read {path}: {error.strerror}", f"无法读取 {path}：{error.strerror}")
            ) from None

    body["input"] = _walked(body["input"], replacement)
    return body


def _walked(value: Any, replacement: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        # A prompt may look like a file; only the service's own names for pictures and sounds are files.
        return {
            key: inner if key in ("prompt", "text", "negative_prompt") else _walked(inner, replacement)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_walked(inner, replacement) for inner in value]
    return replacement(value) if isinstance(value, str) and value.startswith("file://") else value


def _data_uri(path: Path) -> str:
    data = path.read_bytes()
    mime = MIME.get(kinds.suffix_of(data[: kinds.HEAD_BYTES]) or "", "application/octet-stream")
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
