"""`--dry-run` of one request: what would be sent, and what it would cost."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bailian.catalog import Mode
from bailian.cli.output.terminal import is_terminal, money, print_data, print_json
from bailian.i18n import tr
from bailian.modalities import call_headers
from bailian.types import Prepared

if TYPE_CHECKING:
    from bailian.config.settings import Settings

SHOWN_DATA_CHARS = 60


def show_request(prepared: Prepared, here: Settings, *, as_json: bool) -> None:
    """Print a request as it would be sent: for people on a terminal, else as one line of JSON."""
    request = _request(prepared, here)
    if is_terminal(sys.stdout) and not as_json:
        _print_for_people(prepared, request)
        return
    print_json(
        {
            "dry_run": True,
            "request": request,
            "cost": {"currency": "CNY", "estimate": prepared.estimate_cny},
            "notices": [vars(notice) for notice in prepared.notices],
        }
    )


def _print_for_people(prepared: Prepared, request: Mapping[str, Any]) -> None:
    print_data(f"{request['method']} {request['url']}")
    for name, value in request["headers"].items():
        print_data(f"{name}: {value}")
    print_data("\n" + json.dumps(_shortened(request["body"]), ensure_ascii=False, indent=2) + "\n")
    cost = tr("the cost is not known before", "费用无法事先得知")
    if prepared.estimate_cny is not None:
        cost = tr(f"at most {money(prepared.estimate_cny)} CNY", f"最多 {money(prepared.estimate_cny)} 元")
    print_data(cost)
    for notice in prepared.notices:
        print_data(tr(f"note: {notice.message}", f"提示：{notice.message}"))
    print_data(tr("nothing was sent", "未发送任何请求"))


def _shortened(value: Any) -> Any:
    """Return a part of a body without what fills screens: a file that is given as data."""
    if isinstance(value, str):
        is_file = value.startswith("data:") and len(value) > SHOWN_DATA_CHARS
        return f"{value[:SHOWN_DATA_CHARS]}… ({len(value):,})" if is_file else value
    if isinstance(value, list | tuple):
        return [_shortened(one) for one in value]
    return {name: _shortened(one) for name, one in value.items()} if isinstance(value, dict) else value


def _request(prepared: Prepared, here: Settings) -> dict[str, Any]:
    from bailian.service.transport.headers import STREAM_HEADERS, request_headers

    headers = request_headers(here, masked=True)
    socket = prepared.model.mode == Mode.SOCKET
    if not socket:
        headers["Content-Type"] = "application/json"
    if prepared.model.mode == Mode.TASK:
        headers["X-DashScope-Async"] = "enable"
    if prepared.stream:
        headers.update(STREAM_HEADERS)
    elif prepared.model.mode == Mode.SYNC:
        headers.update(call_headers(prepared.model.kind, prepared.body))
    headers.update(_resolve_headers(prepared))
    return {
        "method": "WS" if socket else "POST",
        "url": here.socket_url if socket else here.base_url + prepared.model.route,
        "headers": headers,
        "body": prepared.body,
    }


def _resolve_headers(prepared: Prepared) -> dict[str, str]:
    """Return what is added where uploaded files are in the body, or will be: it is shown before they are."""
    if not any(mark in str(prepared.body) for mark in ("file://", "oss://")):
        return {}  # what uploads loads the HTTP library
    from bailian.engine.steps.attach import will_upload
    from bailian.service.client import resolve_header
    from bailian.service.transport.headers import RESOLVE_HEADERS

    return dict(RESOLVE_HEADERS) if will_upload(prepared) else resolve_header(prepared.body)
