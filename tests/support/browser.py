"""A page in the real Chromium, spoken to over its DevTools protocol: scripts are run in it, keys pressed, pictures taken."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), ""
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
ANSWER_MAX_BYTES = 256 * 1024**2
HUNG_S = 300.0
LISTENING = "DevTools listening on "
KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    "End": 35,
}


class Browser:
    """One page; a call returns when its answer is there."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to one command; what happens meanwhile is in `events`."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params, **session}))
        while True:
            message = json.loads(self._socket.recv(timeout=HUNG_S))
            if message.get("id") != self._number:
                self.events.append(message)
                continue
            assert "error" not in message, message
            result: dict[str, Any] = message["result"]
            return result

    def wait_for(self, event: str) -> dict[str, Any]:
        """Return the event's values, when it has come."""
        while True:
            found = next((one for one in self.events if one.get("method") == event), None)
            if found is not None:
                self.events.remove(found)
                params: dict[str, Any] = found["params"]
                return params
            self.events.append(json.loads(self._socket.recv(timeout=HUNG_S)))

    def go(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self.events = [one for one in self.events if one.get("method") != "Page.loadEventFired"]
        self.send("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def reload(self) -> None:
        self.send("Page.reload")
        self.wait_for("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Return the value of an expression; a promise is waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key where the keyboard is."""
        code = KEYS.get(key, ord(key.upper()[0]))
        how = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **how, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **how)

    def size(self, width_px: int, height_px: int, *, dark: bool = False) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width_px, height=height_px, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> Path:
        """Save what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))
        return path

    @property
    def complaints(self) -> list[str]:
        """Return what the page has done wrong so far: errors of its script, and what its policy has refused."""
        wrong = [
            one["params"] for one in self.events if one.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")
        ]
        return [json.dumps(one, ensure_ascii=False) for one in wrong]

    @property
    def asked(self) -> list[str]:
        """Return the addresses that the page has asked for."""
        sent = [
            one["params"]["request"]["url"] for one in self.events if one.get("method") == "Network.requestWillBeSent"
        ]
        return [url for url in sent if not url.startswith("data:")]


@contextmanager
def browser(profile: Path, *flags: str) -> Iterator[Browser]:
    """A browser with a profile of its own, as long as this is entered."""
    command = [CHROMIUM, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", *flags, "about:blank"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, "TZ": "Asia/Shanghai"}, text=True
    )
    try:
        assert process.stderr is not None
        url = next(line for line in process.stderr if line.startswith(LISTENING)).removeprefix(LISTENING).strip()
        with connect(url, max_size=ANSWER_MAX_BYTES, proxy=None) as socket:
            yield Browser(socket)
            socket.send(json.dumps({"id": 0, "method": "Browser.close"}))
    finally:
        process.terminate()
        process.wait(HUNG_S)
        if process.stderr is not None:
            process.stderr.close()
