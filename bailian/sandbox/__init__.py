"""A made-up Alibaba Bailian (DashScope) on loopback: real HTTP, real files, faults on demand, no money.

Importing this costs nothing: a name is loaded when it is used, the web server and Pillow when a `Sandbox` starts.
README.md says what it imitates and what it does not.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs 8 ms
if TYPE_CHECKING:
    from bailian.sandbox.faults import KINDS, Fault, Faults
    from bailian.sandbox.foreground import serve, serve_recording
    from bailian.sandbox.http.answers import LoggedRequest
    from bailian.sandbox.scripted.answers import ScriptedAnswer
    from bailian.sandbox.server import Sandbox, SandboxUnavailable
    from bailian.sandbox.tasks.task_store import Task

_HOMES = {
    "Fault": "faults",
    "Faults": "faults",
    "KINDS": "faults",
    "LoggedRequest": "http.answers",
    "Sandbox": "server",
    "SandboxUnavailable": "server",
    "ScriptedAnswer": "scripted.answers",
    "Task": "tasks.task_store",
    "serve": "foreground",
    "serve_recording": "foreground",
}

__all__ = [
    "KINDS",
    "Fault",
    "Faults",
    "LoggedRequest",
    "Sandbox",
    "SandboxUnavailable",
    "ScriptedAnswer",
    "Task",
    "serve",
    "serve_recording",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'bailian.sandbox' has no attribute {name!r}")
    value: object = getattr(import_module(f"bailian.sandbox.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
