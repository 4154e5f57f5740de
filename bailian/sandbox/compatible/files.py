"""The files of the compatible route: for batches, and for models that read them (BATCH; CAP *-file-compatible).

Page openai-file-interface. Importing this needs starlette.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call, Endpoints
from bailian.sandbox.http.multipart import Form, read_form
from bailian.sandbox.http.refusals import Refusal, invalid
from bailian.sandbox.state import State
from bailian.sandbox.storage.file_store import BATCH, EXTRACT, NATIVE, StoredFile

COMPATIBLE_PATH = "/compatible-mode/v1"
PURPOSES = (BATCH, EXTRACT)
BYTES_MAX: Mapping[str, int] = {BATCH: 500 * 1024**2, EXTRACT: 150 * 1024**2}
"""BATCH; page openai-file-interface."""
READABLE = frozenset(
    {".txt", ".docx", ".pdf", ".xlsx", ".epub", ".mobi", ".md", ".csv", ".json", ".bmp", ".png", ".jpg", ".jpeg",
     ".gif"}
)  # fmt: skip
"""Page openai-file-interface: what can be extracted, by the name's end."""
PAGE_MAX, PAGE_DEFAULT = 2000, 2000
"""Page openai-file-interface: how many a list shows."""


class FileRoutes:
    """Takes files, tells of them, gives them back."""

    def __init__(self, state: State) -> None:
        self._files = state.files

    def routes(self, endpoints: Endpoints) -> list[Route]:
        """Return the routes; `endpoints` answers errors in the shape of these paths."""
        files, route = COMPATIBLE_PATH + "/files", endpoints.route
        return [
            route("POST", files, "batch_upload", self._upload),
            route("GET", files, "batch_file", self._list),
            route("GET", files + "/{file_id}", "batch_file", self._show),
            route("DELETE", files + "/{file_id}", "batch_file", self._delete),
            route("GET", files + "/{file_id}/content", "batch_content", self._content),
        ]

    async def _upload(self, call: Call, fault: Fault | None) -> Answer:
        form = form_of(call)
        purpose = form.fields.get("purpose")
        if purpose not in PURPOSES:
            raise invalid(f"purpose must be one of {', '.join(PURPOSES)}")
        if len(form.file) > BYTES_MAX[purpose]:
            raise invalid(f"The file must not exceed {BYTES_MAX[purpose] // 1024**2} MB.")
        if purpose == EXTRACT and PurePosixPath(form.file_name).suffix.lower() not in READABLE:
            raise invalid(f"The file type of {form.file_name} is not supported.")  # a guess
        return json_answer(file_object(self._files.add(purpose, form.file_name, form.file)))

    async def _list(self, call: Call, fault: Fault | None) -> Answer:
        """CAP list-files-compatible; `after`, `limit` and `purpose` as the page has them."""
        query = call.request.query_params
        limit = query.get("limit") or str(PAGE_DEFAULT)
        if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_MAX:
            raise invalid(f"limit must be in [1, {PAGE_MAX}]")
        files = [file for file in self._files.all() if query.get("purpose") in (None, "", file.purpose)]
        files = [file for file in files if file.purpose != NATIVE]
        if query.get("after"):
            ids = [file.file_id for file in files]
            if query["after"] not in ids:
                raise invalid(f"after: there is no file {query['after']}")
            files = files[ids.index(query["after"]) + 1 :]
        shown = [file_object(file) for file in files[: int(limit)]]
        return json_answer({"object": "list", "data": shown, "has_more": len(files) > int(limit)})

    def _file(self, call: Call) -> StoredFile:
        file = self._files.get(call.param("file_id"))
        if file is None:
            raise not_found("file", call.param("file_id"))
        return file

    async def _show(self, call: Call, fault: Fault | None) -> Answer:
        return json_answer(file_object(self._file(call)))

    async def _delete(self, call: Call, fault: Fault | None) -> Answer:
        file = self._file(call)
        self._files.delete(file.file_id)
        return json_answer({"id": file.file_id, "object": "file", "deleted": True})

    async def _content(self, call: Call, fault: Fault | None) -> Answer:
        """Only what belongs to batches; that a file for models cannot be had back is a guess."""
        file = self._file(call)
        if file.purpose == EXTRACT:
            raise invalid(f"The file {file.file_id} with purpose {EXTRACT} cannot be downloaded.")
        headers = {"x-request-id": call.request_id, "content-disposition": f'attachment; filename="{file.file_id}"'}
        return Answer(200, file.data, headers, "application/octet-stream")


def form_of(call: Call) -> Form:
    """Return the form that a request brings.

    Raises:
        Refusal: it brings none.
    """
    try:
        return read_form(call.request.headers.get("content-type", ""), call.raw)
    except ValueError as error:
        raise invalid(f"The request is not valid multipart/form-data: {error}") from None


def not_found(what: str, name: str) -> Refusal:
    return Refusal(404, "NotFound", f"No such {what}: {name}")


def file_object(file: StoredFile) -> dict[str, Any]:
    """CAP upload-file-compatible."""
    return {
        "id": file.file_id,
        "object": "file",
        "bytes": len(file.data),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "created_at": int(file.at),
    }
