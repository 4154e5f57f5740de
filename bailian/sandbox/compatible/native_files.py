"""`/api/v1/files`: the same files by their native face (CAP upload-file-nosse, list-files-nosse, get-file-nosse, …).

Importing this needs starlette.
"""

from __future__ import annotations

import hashlib
import uuid
from base64 import b64encode
from typing import Any

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.http.multipart import Part, read_parts
from bailian.sandbox.http.refusals import Refusal, invalid
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import file_answer
from bailian.sandbox.storage.file_store import NATIVE, StoredFile
from bailian.sandbox.storage.links import oss_error, oss_id
from bailian.sandbox.tasks.listing import positive_integer
from bailian.sandbox.tasks.replies import china_time

FILES_MAX = 10
"""CAP upload-file-nosse: how many files one upload may bring."""
PAGE_SIZE = 10


class NativeFileRoutes:
    """Takes files, tells of them, serves them by signed links."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._files = state.files

    def routes(self, endpoints: Endpoints) -> list[Route]:
        files, route = BASE_PATH + "/files", endpoints.route
        return [
            route("POST", files, "batch_upload", self._upload),
            route("GET", files, "batch_file", self._list),
            route("GET", files + "/{file_id}", "batch_file", self._show),
            route("DELETE", files + "/{file_id}", "batch_file", self._delete),
            route("GET", "/files/{file_id}", "download", self._download),
        ]

    async def _upload(self, call: Call, fault: Fault | None) -> Answer:
        """What is too many fails by itself; the others are taken. A purpose is not kept (BL `client/endpoints.ts`)."""
        try:
            parts = read_parts(call.request.headers.get("content-type", ""), call.raw)
        except ValueError as error:
            raise invalid(f"The request is not valid multipart/form-data: {error}") from None
        given = [part for part in parts if part.name in ("files", "file")]
        if not given:
            raise invalid("Field required: files")
        taken = [self._take(part) for part in given[:FILES_MAX]]
        full = f"Out of number, <{FILES_MAX}> of <{FILES_MAX}> files has been uploaded."
        failed = [{"name": p.file_name, "code": "BadRequest.TooMany", "message": full} for p in given[FILES_MAX:]]
        return json_answer({"data": {"uploaded_files": taken, "failed_uploads": failed}, "request_id": call.request_id})

    def _take(self, part: Part) -> dict[str, Any]:
        file = self._files.add(NATIVE, part.file_name, part.data, str(uuid.uuid4()))
        return {"name": file.name, "file_id": file.file_id}

    async def _list(self, call: Call, fault: Fault | None) -> Answer:
        query = call.request.query_params
        page_no, page_size = positive_integer(query, "page_no", 1), positive_integer(query, "page_size", PAGE_SIZE)
        files = self._files.all()
        shown = [self._object(file, call) for file in files[(page_no - 1) * page_size : page_no * page_size]]
        data = {"total": len(files), "files": shown, "page_size": page_size, "page_no": page_no}
        return json_answer({"data": data, "request_id": call.request_id})

    def _file(self, call: Call) -> StoredFile:
        file = self._files.get(call.param("file_id"))
        if file is None:
            raise Refusal(404, "NotFound", f"The file {call.param('file_id')} does not exist.")  # a guess
        return file

    async def _show(self, call: Call, fault: Fault | None) -> Answer:
        return json_answer({"data": self._object(self._file(call), call), "request_id": call.request_id})

    async def _delete(self, call: Call, fault: Fault | None) -> Answer:
        self._files.delete(self._file(call).file_id)
        return json_answer({"request_id": call.request_id})

    async def _download(self, call: Call, fault: Fault | None) -> Answer:
        query = dict(call.request.query_params)
        refusal = self._state.links.refusal(call.request.method, call.path, query, self._state.clock())
        file = self._files.get(call.param("file_id"))
        if refusal is None and file is None:
            refusal = Refusal(404, "NoSuchKey", "The specified key does not exist.")
        if refusal is not None or file is None:
            assert refusal is not None  # noqa: S101  # one of the two above
            return oss_error(refusal, oss_id(call.request_id), call.request.headers.get("host", ""))
        return file_answer(call.request, file.data, "application/octet-stream", file.at, call.request_id)

    def _object(self, file: StoredFile, call: Call) -> dict[str, Any]:
        digest = hashlib.md5(file.data, usedforsecurity=False).digest()
        return {
            "id": int.from_bytes(hashlib.sha256(file.file_id.encode()).digest()[:4], "big"),
            "name": file.name,
            "description": "",
            **({"purpose": file.purpose} if file.purpose else {}),
            "size": len(file.data),
            "md5": b64encode(digest).decode(),
            "region": "cn-beijing",
            "file_id": file.file_id,
            "url": self._state.sign(call.root(), f"/files/{file.file_id}"),
            "user_id": "1000000000000000",
            "api_key_id": "1",
            "gmt_create": china_time(file.at)[:19],
        }
