"""The service's own batch inference: files up, a batch created and asked for, files down. No retries here.

Facts: docs/wire.md "Batch API" (batch interface page, 2026-06; captured exchanges, 2026-04). These paths are the
OpenAI-compatible ones of the same host: errors come nested under `error`, times are epoch seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import requests
import urllib3.exceptions

from bailian.config.settings import Settings
from bailian.errors import MaybeSent, TransportError
from bailian.i18n import tr
from bailian.service import responses
from bailian.service.download import MOST_FILE_BYTES, save_error
from bailian.service.transport import send_tracking
from bailian.service.transport.headers import request_headers
from bailian.service.transport.http import (
    CONNECT_TIMEOUT_S,
    Http,
    Reply,
    new_session,
    reply_of,
    transport_error,
    unpacked_pieces,
    whole_body,
)
from bailian.service.transport.packed import limited

NATIVE_PATH = "/api/v1"
COMPATIBLE_PATH = "/compatible-mode/v1"
QUERY_TIMEOUT_S = 30.0
# The answer to an upload comes when 500 MB have been looked at.
UPLOAD_TIMEOUT_S = 300.0
CHUNK_BYTES = 64 * 1024
PAGE_SIZE = 50
PAGES_MAX = 100
ERROR_BYTES_MAX = 64 * 1024


class BatchApi:
    """The batches of one account at one host. Close it after use."""

    def __init__(self, settings: Settings) -> None:
        """Derive the host from `settings.base_url`: `…/api/v1` becomes `…/compatible-mode/v1`."""
        self._key = settings.api_key.reveal() if settings.api_key else ""
        self._base_url = settings.base_url.removesuffix(NATIVE_PATH) + COMPATIBLE_PATH
        self._headers = request_headers(settings)
        self._http = Http(self._base_url, self._headers, self._key)
        self._session = new_session(self._base_url)

    def upload(self, path: Path) -> str:
        """POST a JSONL file for batches; return its id. Free; a file nobody uses costs nothing."""
        form = _Form(path)
        headers = {**self._headers, "Content-Type": form.content_type}
        send_tracking.reset(UPLOAD_TIMEOUT_S)
        try:
            with self._session.post(
                self._base_url + "/files",
                data=form,
                headers=headers,
                timeout=(CONNECT_TIMEOUT_S, UPLOAD_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                reply = self._reply(response, whole_body(response))
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise transport_error(error, self._base_url, UPLOAD_TIMEOUT_S) from None
        return _id_of(responses.read(reply))

    def create(self, file_id: str, name: str, window_h: int = 24, *, endpoint: str = "/v1/chat/completions") -> str:
        """POST a batch: from here on its lines are paid. Return its id.

        Args:
            name: goes along as `ds_name` (up to 100 characters); `find` finds it by this.
            window_h: hours after which the service gives up, 24 to 336.
            endpoint: what all lines of the file name.

        Raises:
            MaybeSent: nobody knows whether the batch exists: ask `find`.
        """
        body = {
            "input_file_id": file_id,
            "endpoint": endpoint,
            "completion_window": f"{window_h}h",
            "metadata": {"ds_name": name},
        }
        return _id_of(responses.read(self._http.send("POST", "/batches", body=body, read_timeout_s=QUERY_TIMEOUT_S)))

    def batch(self, batch_id: str) -> dict[str, Any]:
        """GET one batch: `status`, `request_counts`, `output_file_id`, `error_file_id`, `errors`."""
        reply = self._http.send("GET", f"/batches/{quote(batch_id, safe='')}", read_timeout_s=QUERY_TIMEOUT_S)
        data = responses.read(reply, task_id=batch_id)
        if not isinstance(data.get("status"), str):
            raise TransportError(tr("the answer holds no batch status", "应答中没有批次状态"), task_id=batch_id)
        return data

    def cancel(self, batch_id: str) -> dict[str, Any]:
        """Ask the service to stop a batch; what it has done until then is billed."""
        path = f"/batches/{quote(batch_id, safe='')}/cancel"
        return responses.read(self._http.send("POST", path, read_timeout_s=QUERY_TIMEOUT_S), task_id=batch_id)

    def find(self, name: str) -> list[dict[str, Any]]:
        """Return the batches of exactly this `ds_name`, oldest first: whether a lost create call has made one.

        Raises:
            TransportError: the list could not be read to its end, which proves nothing absent.
        """
        found: list[dict[str, Any]] = []
        after: str | None = None
        for _ in range(PAGES_MAX):
            params = {"ds_name": name, "limit": PAGE_SIZE, **({"after": after} if after else {})}
            data = responses.read(self._http.send("GET", "/batches", params=params, read_timeout_s=QUERY_TIMEOUT_S))
            rows = data.get("data") or []  # an empty list is null (captured, 2026-04)
            readable = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
            # The service may take a part of the name for the name.
            ours = [row for row in rows if _name_of(row) == name] if readable else []
            if not readable or "data" not in data or not all(_is_id(row.get("id")) for row in ours):
                raise TransportError(tr("the list of batches is not readable", "批次列表无法解析"))
            found += ours
            after = str(data.get("last_id") or "")
            if not data.get("has_more"):
                return found[::-1]
            if not after:
                break
        raise TransportError(tr("the list of batches is not complete", "批次列表不完整"))

    def content(self, file_id: str, target: Path) -> None:
        """Download a file into `target`, which is whole when it is there: written aside, fsynced, renamed.

        Raises:
            ServiceError: the service does not give it.
            TransportError: the download broke; nothing is left.
            SaveError: it could not be written.
        """
        part = target.with_name(f"{target.name}.part")
        path = f"{self._base_url}/files/{quote(file_id, safe='')}/content"
        send_tracking.reset()
        try:
            with self._session.get(
                path,
                headers=self._headers,
                timeout=(CONNECT_TIMEOUT_S, QUERY_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != 200:
                    responses.read(self._reply(response, whole_body(response, ERROR_BYTES_MAX)))
                    raise TransportError(tr("the answer is no file", "应答不是文件"))
                _write(response, part)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            part.unlink(missing_ok=True)
            raise transport_error(error, self._base_url, QUERY_TIMEOUT_S) from None
        try:
            part.replace(target)
        except OSError as error:
            raise save_error(target, error) from None

    def close(self) -> None:
        self._http.close()
        self._session.close()

    def _reply(self, response: requests.Response, content: bytes) -> Reply:
        if len(self._key) >= 8:  # a server that repeats the key must not put it into journals and logs
            content = content.replace(self._key.encode(), b"***")
        return reply_of(response.status_code, response.headers, content)


class _Form:
    """A multipart form around one file, sent piece by piece: 500 MB need not fit into memory."""

    def __init__(self, path: Path) -> None:
        boundary = uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._path = path
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size_bytes = path.stat().st_size

    def __len__(self) -> int:
        return len(self._head) + self._size_bytes + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        with self._path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
        yield self._tail


def _write(response: requests.Response, part: Path) -> None:
    """Write what comes; the length that was announced is checked by the library (`enforce_content_length`)."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            for chunk in limited(unpacked_pieces(response, CHUNK_BYTES), MOST_FILE_BYTES):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        raise
    except OSError as error:
        raise save_error(part, error) from None


def _name_of(batch: dict[str, Any]) -> str:
    metadata = batch.get("metadata")
    return str(metadata.get("ds_name") or "") if isinstance(metadata, dict) else ""


def _id_of(data: dict[str, Any]) -> str:
    """Return the id of what was made; without one nobody knows whether something was."""
    if not _is_id(data.get("id")):
        raise MaybeSent(tr("the service answered without an id", "服务应答中没有 id"))
    return str(data["id"])


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= responses.MOST_ID_CHARS
