"""The account of a `bailian` command: its settings, its service, and a click decorator that asks for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from bailian import settings
from bailian.cli.options import account_options


def with_account(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command `here`: the settings its account options ask for."""

    @wraps(function)
    def with_settings(
        *, region: str | None, base_url: str | None, workspace: str | None, sandbox: bool, **own: Any
    ) -> Any:
        here = settings.read_settings(region=region, base_url=base_url, workspace=workspace, sandbox=sandbox)
        return function(here=here, **own)

    return account_options(with_settings)
