"""A web server on loopback that has some files."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ServedFiles:
    """Serves what is put to it. Use as a context manager."""

    def __init__(self, **files: bytes) -> None:
        self._files: dict[str, bytes | int] = {**files}
        files_now = self._files

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = files_now.get(self.path.lstrip("/"), 404)
                data = found if isinstance(found, bytes) else b""
                self.send_response(found if isinstance(found, int) else 200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> ServedFiles:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __getitem__(self, name: str) -> str:
        """Return the address of a file, whether it is there or not."""
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def put(self, name: str, data: bytes | int) -> str:
        """Serve these bytes, or answer this status; return the address."""
        self._files[name] = data
        return self[name]
