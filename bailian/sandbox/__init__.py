"""A made-up Alibaba Bailian (DashScope) on loopback: real HTTP, real files, faults on demand, no money.

Importing this is cheap; the web server and Pillow are loaded when a `Sandbox` starts. README.md says what
it imitates and what it does not.
"""

from bailian.sandbox.faults import KINDS, Fault, Faults
from bailian.sandbox.foreground import serve
from bailian.sandbox.http.answers import LoggedRequest
from bailian.sandbox.server import Sandbox, SandboxUnavailable
from bailian.sandbox.tasks.task_store import Task

__all__ = ["KINDS", "Fault", "Faults", "LoggedRequest", "Sandbox", "SandboxUnavailable", "Task", "serve"]
