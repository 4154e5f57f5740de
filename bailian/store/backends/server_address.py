"""The address of a PostgreSQL server as people see it: without what is secret in it."""

from __future__ import annotations

from urllib.parse import urlsplit


def shown(url: str) -> str:
    """Return user, host and database of an address; nothing of one that cannot be read, in which a password may be anywhere."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "postgresql://…"
    host = parts.hostname or ""
    user = f"{parts.username}@" if parts.username and "@" not in host and "/" not in parts.username else ""
    return f"postgresql://{user}{host}{port}{parts.path}"
