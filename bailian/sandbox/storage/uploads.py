"""Temporary uploads: the grant, the object store that takes the file, and `oss://` (D-OSS, CAP get-upload-policy)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.multipart import Form, read_form
from bailian.sandbox.http.refusals import Refusal, field_required, invalid_url, off_specification
from bailian.sandbox.storage.links import no_right, oss_error, oss_id, signature_of, wrong_signature
from bailian.sandbox.storage.upload_store import UploadStore

GRANT_LIFE_S = 300
"""CAP: `expire_in_seconds`. The captured policy itself lived 23 minutes; here it ends with its announced life."""

MAX_BYTES = 1073741824
ACCESS_KEY_ID = "LTAI-sandbox-uploads"
_SIGNING_KEY = b"bailian sandbox: signs grants for made-up uploads, protects nothing"
_ACCOUNT = hashlib.md5(b"bailian sandbox", usedforsecurity=False).hexdigest()


class Uploads:
    """Hands out grants, takes files, and gives them to the models they were uploaded for."""

    def __init__(self, store: UploadStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def grant(self, query: Mapping[str, str], host: str, request_id: str) -> Answer:
        """Answer `GET /uploads?action=getPolicy&model=…` (CAP get-upload-policy-nosse).

        Raises:
            Refusal: another action, or no model. Any name is taken for a model.
        """
        if query.get("action") != "getPolicy":
            raise off_specification("action must be getPolicy")
        model = query.get("model", "")
        if not model:
            raise field_required("model")
        now = self._clock()
        day = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%d")
        folder = f"dashscope-instant/{_ACCOUNT}/{day}/{uuid.uuid4()}"
        self._store.grant(folder, model)
        policy = _policy(folder, now + GRANT_LIFE_S)
        data = {
            "policy": policy,
            "signature": signature_of(policy, _SIGNING_KEY),
            "upload_dir": folder,
            "upload_host": host,
            "expire_in_seconds": GRANT_LIFE_S,
            "max_file_size_mb": MAX_BYTES // 1024**2,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }
        return json_answer({"data": data, "request_id": request_id})

    def receive(self, headers: Mapping[str, str], raw: bytes, request_id: str, *, expired: bool) -> Answer:
        """Take a form that a client sends to the upload host; refusals are the store's XML."""
        own_id = oss_id(request_id)
        try:
            form = _form(headers, raw)
            folder, key = self._checked(form, expired=expired)
            if not self._store.add_upload(key, self._store.model_of_grant(folder) or "", form.file):
                message = "The object you specified already exists and can not be overwritten."
                raise Refusal(409, "FileAlreadyExists", message)
        except Refusal as refusal:
            return oss_error(refusal, own_id, headers.get("host", ""), {"x-oss-request-id": own_id})
        # Without the field the store answers 204 (the captured C# client leaves it out).
        status = 200 if form.fields.get("success_action_status") == "200" else 204
        etag = f'"{hashlib.md5(form.file, usedforsecurity=False).hexdigest().upper()}"'
        return Answer(status, b"", {"etag": etag, "x-oss-request-id": own_id}, "application/xml")

    def _checked(self, form: Form, *, expired: bool) -> tuple[str, str]:
        """Return the grant's folder and the file's key."""
        fields = form.fields
        policy, signature = fields.get("policy", ""), fields.get("Signature", "")
        if not policy or not signature or not fields.get("OSSAccessKeyId"):
            raise no_right()
        if fields["OSSAccessKeyId"] != ACCESS_KEY_ID:
            message = "The OSS Access Key Id you provided does not exist in our records."
            raise Refusal(403, "InvalidAccessKeyId", message)
        if not hmac.compare_digest(signature.encode(), signature_of(policy, _SIGNING_KEY).encode()):
            raise wrong_signature()
        content: dict[str, Any] = json.loads(base64.b64decode(policy))
        ends = datetime.strptime(content["expiration"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        if expired or self._clock() >= ends.timestamp():
            raise Refusal(403, "AccessDenied", "Invalid according to Policy: Policy expired.")  # D-ERR
        folder, key = content["conditions"][1][2], fields.get("key", "")
        if not key.startswith(folder + "/") or key == folder + "/":
            condition = json.dumps(content["conditions"][1])
            raise Refusal(403, "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {condition}")
        if len(form.file) > MAX_BYTES:
            raise Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
        return folder, key

    def read(self, url: str, model: str, *, resolves: bool) -> bytes:
        """Return the file behind an `oss://` URL.

        Args:
            resolves: whether the call has `X-DashScope-OssResourceResolve: enable`.

        Raises:
            Refusal: no such header (D-OSS: an invalid URL); no such file; or one for another model (both D-OSS).
                The words of the last two are D-ERR's for what cannot be fetched, a guess.
        """
        if not resolves:
            raise invalid_url()
        found = self._store.find_upload(url.removeprefix("oss://"))
        if found is None or found[0] != model:
            raise Refusal(
                400,
                "InvalidParameter.DataInspection",
                "Unable to download the media resource during the data inspection process.",
            )
        return found[1]


def _form(headers: Mapping[str, str], raw: bytes) -> Form:
    """The store's words (its own documents), except for the first, which is a guess."""
    if "authorization" in headers:
        raise Refusal(400, "InvalidArgument", "Only one authentication: the form has its own, send no Authorization.")
    try:
        form = read_form(headers.get("content-type", ""), raw)
    except ValueError:
        message = "The body of your POST request is not well-formed multipart/form-data."
        raise Refusal(400, "MalformedPOSTRequest", message) from None
    if form.after_file:
        names = ", ".join(form.after_file)
        raise Refusal(400, "InvalidArgument", f"The field file must be the last one; behind it: {names}")
    return form


def _policy(folder: str, expires: float) -> str:
    ends = datetime.fromtimestamp(expires, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    conditions = [["content-length-range", 0, MAX_BYTES], ["starts-with", "$key", folder]]
    return base64.b64encode(json.dumps({"expiration": ends, "conditions": conditions}).encode()).decode()
