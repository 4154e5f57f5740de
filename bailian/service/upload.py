"""Local files → `oss://` addresses in the service's temporary storage.

Source: docs/wire.md "Uploads" (the vendor's temporary-URL page 2026, captured traffic, dashscope 2.0.2
`utils/oss_utils.py`). A file belongs to one model and one account and lives 48 hours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import urllib3.exceptions

from bailian.errors import TransportError
from bailian.files import formats
from bailian.i18n import tr
from bailian.service.client import Service
from bailian.service.transport import links, send_tracking
from bailian.service.transport.http import CONNECT_TIMEOUT_S, new_session, transport_error

UPLOAD_TIMEOUT_S = 280.0


def upload(service: Service, path: Path, wire_model: str, mark: str) -> str:
    """Upload one file for one model; return its `oss://` address, which has `mark` (ASCII) in its name.

    Nothing is billed for it, so a failed try may be repeated. The storage host never sees the key.
    """
    grant = service.upload_grant(wire_model)
    # A unique ASCII name: overwriting is forbidden, and names in Chinese are untested.
    object_key = f"{grant['upload_dir']}/{mark}-{uuid4().hex}{_suffix(path)}"
    fields = {
        "OSSAccessKeyId": grant["oss_access_key_id"],
        "Signature": grant["signature"],
        "policy": grant["policy"],
        "key": object_key,
        "x-oss-object-acl": grant["x_oss_object_acl"],
        "x-oss-forbid-overwrite": grant["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }
    _post(service, str(grant["upload_host"]), fields, path)
    return f"oss://{object_key}"


def _suffix(path: Path) -> str:
    """Return a file's suffix with its dot; one that has none gets that of its bytes: who fetches it goes by the name."""
    if path.suffix:
        return path.suffix.lower() if path.suffix.isascii() else ""
    with path.open("rb") as file:
        found = formats.suffix_of(file.read(formats.HEAD_BYTES))
    return f".{found}" if found else ""


def _why_not(host: str) -> str:
    """Return why nothing is uploaded there, judged by the address as it is connected to."""
    try:
        return links.why_not(host) or links.why_not(requests.Request("POST", host).prepare().url or "")
    except (requests.RequestException, ValueError):
        return links.why_not("")


def _post(service: Service, host: str, fields: dict[str, Any], path: Path) -> None:
    if service.is_public and (reason := _why_not(host)):
        raise TransportError(tr(f"the upload is not sent: {reason}", f"未上传：{reason}"))
    session = new_session(host)
    send_tracking.reset(UPLOAD_TIMEOUT_S)
    try:
        with (
            path.open("rb") as file,  # requests writes the fields first and the file last, as the storage wants
            session.post(
                host,
                data=fields,
                files={"file": (Path(fields["key"]).name, file)},
                timeout=(CONNECT_TIMEOUT_S, UPLOAD_TIMEOUT_S),
                allow_redirects=False,
                stream=True,  # only the status is read
            ) as response,
        ):
            status = response.status_code
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise transport_error(error, host, UPLOAD_TIMEOUT_S) from None
    finally:
        session.close()
    if status != 200:
        raise TransportError(
            tr(f"the upload was refused (HTTP {status})", f"上传被拒绝（HTTP {status}）"),
            http_status=status,
        )
