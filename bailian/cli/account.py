"""The account of a `bailian` command: its settings, its service, and a click decorator that asks for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from bailian.cli.options import Common, account_options
from bailian.settings import Settings, read_settings


def settings_of(common: Common) -> Settings:
    """Return the settings that a command's options ask for."""
    return read_settings(
        region=common.region, base_url=common.base_url, workspace=common.workspace, sandbox=common.sandbox
    )


def with_account(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command `here`: the settings its account options ask for."""

    @wraps(function)
    def with_settings(
        *, region: str | None, base_url: str | None, workspace: str | None, sandbox: bool, **own: Any
    ) -> Any:
        here = read_settings(region=region, base_url=base_url, workspace=workspace, sandbox=sandbox)
        return function(here=here, **own)

    return account_options(with_settings)
