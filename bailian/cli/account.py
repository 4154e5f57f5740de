"""The account of a `bailian` command: its settings, and a click decorator that asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from bailian.cli.args.options import SharedOptions, account_options
from bailian.config.settings import Settings, read_settings
from bailian.config.user_defaults import wrong_setting
from bailian.errors import InvalidRequest
from bailian.files.naming import check_template
from bailian.i18n import tr


def settings_of(common: SharedOptions) -> Settings:
    """Return the settings that a command's options ask for."""
    here = read_settings(
        region=common.region,
        base_url=common.base_url,
        workspace=common.workspace,
        sandbox=common.sandbox,
        profile=common.profile,
    )
    _note_loose_key(here, quiet=common.quiet)
    return here


def filled(common: SharedOptions, here: Settings) -> SharedOptions:
    """Return the options with the user's defaults for those that were left out.

    Raises:
        SetupError: the template of the settings is none.
    """
    own = here.defaults
    if common.name is None and own.name is not None:
        try:
            check_template(own.name)
        except InvalidRequest as error:
            raise wrong_setting(here.origins["name"], "[output] name", error) from None
    return replace(common, name=common.name or own.name, sidecar=common.sidecar or own.sidecar)


def with_account(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command `here`: the settings its account options ask for."""

    @wraps(function)
    def with_settings(
        *,
        region: str | None,
        base_url: str | None,
        workspace: str | None,
        sandbox: bool,
        profile: str | None,
        **own: Any,
    ) -> Any:
        here = read_settings(region=region, base_url=base_url, workspace=workspace, sandbox=sandbox, profile=profile)
        _note_loose_key(here, quiet=bool(own.get("quiet")))
        return function(here=here, **own)

    return account_options(with_settings)


def loose(path: Path, what: str) -> str:
    """Return what is wrong with a file or folder that others may read, and the command that helps; else nothing."""
    from bailian.store.private import open_to_others

    if not open_to_others(path):
        return ""
    import shlex

    command = f"chmod {700 if path.is_dir() else 600} {shlex.quote(str(path))}"
    return tr(f"{what} {path} can be read by other users: {command}", f"{what} {path} 可被其他用户读取：{command}")


def _note_loose_key(here: Settings, *, quiet: bool) -> None:
    if here.key_file is None or quiet:
        return
    text = loose(here.key_file, tr("the key file", "密钥文件"))
    if text:
        from bailian.cli.output.terminal import print_err

        print_err(tr(f"note: {text}", f"提示：{text}"))
