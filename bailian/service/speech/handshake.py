"""What the answer to a handshake means that opened no socket."""

from __future__ import annotations

from collections.abc import Callable

from websockets.http11 import Response

from bailian.errors import Exit, Retry, ServiceError, Unreachable, log_in
from bailian.i18n import tr
from bailian.service import responses
from bailian.service.error_codes import service_error
from bailian.service.json_reader import json_object
from bailian.service.transport.http import Reply


def handshake_refusal(response: Response, without_key: Callable[[bytes], bytes]) -> ServiceError:
    """Return the error of a handshake's HTTP status. Nothing was asked yet, so nothing can have been done.

    Raises:
        Unreachable: a login page or a proxy answered.
    """
    content = without_key(bytes(response.body or b""))
    text = content.decode("utf-8", "replace")
    # Not the library's own mapping: it raises for a header that came twice.
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    reply = Reply(response.status_code, headers, text, json_object(content))
    if responses.is_of_a_gateway(reply):
        raise Unreachable(
            tr(
                f"HTTP {reply.status} instead of a socket, and not from the service",
                f"HTTP {reply.status}，未能建立 WebSocket，且不是该服务的应答",
            ),
            advice=log_in(nothing_sent=True),
        )
    code, message = responses.wire_error(reply.data or {})
    if reply.status in (401, 403):  # SAM-WS: a bad or missing key gets one of these
        code = code or "InvalidApiKey"
    error = service_error(
        code,
        message or tr(f"HTTP {reply.status} instead of a socket", f"HTTP {reply.status}，未能建立 WebSocket"),
        reply.status,
        request_id=reply.request_id,
        retry_after_s=reply.retry_after_s,
    )
    error.maybe_done = False
    if error.again == Retry.NEVER and error.exit_code == Exit.TRY_AGAIN:
        error.again = Retry.FEW
    return error
