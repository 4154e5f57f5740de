"""The account of a `bailian` command: its settings, its service, and a click decorator that asks for them."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.cli.args.options import SharedOptions, account_options
from bailian.cli.output.terminal import print_err
from bailian.config import settings
from bailian.config.settings import Settings, read_settings
from bailian.errors import SetupError
from bailian.i18n import tr
from bailian.store.database import not_opened
from bailian.store.private import private_file, private_folder

if TYPE_CHECKING:
    from bailian.config.settings import Settings


def settings_of(common: SharedOptions) -> Settings:
    """Return the settings that a command's options ask for."""
    here = read_settings(
        region=common.region, base_url=common.base_url, workspace=common.workspace, sandbox=common.sandbox
    )
    _note_loose_key(here, quiet=common.quiet)
    return here


def with_account(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command `here`: the settings its account options ask for."""

    @wraps(function)
    def with_settings(
        *, region: str | None, base_url: str | None, workspace: str | None, sandbox: bool, **own: Any
    ) -> Any:
        here = read_settings(region=region, base_url=base_url, workspace=workspace, sandbox=sandbox)
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


@contextmanager
def service(here: Settings, *, quiet: bool) -> Iterator[Settings]:
    """Return the settings of a service that is there: the real one, or a sandbox started for this run."""
    if not here.sandbox:
        yield here
        return
    from bailian.sandbox import Sandbox, SandboxUnavailable

    task_s = float(os.environ.get("BAILIAN_SANDBOX_TASK_S") or 2.0)
    sandbox = Sandbox(state_path=here.home / "service.sqlite3", task_s=task_s)
    try:
        private_folder(here.home.parent)
        private_file(here.home / "service.sqlite3")
        sandbox.start()
    except SandboxUnavailable as error:
        raise SetupError(str(error), advice=f"{sys.executable} -m pip install 'bailian-toolkit[sandbox]'") from None
    except (OSError, sqlite3.Error) as error:
        raise not_opened(here.home, error) from None
    try:
        if not quiet:
            print_err(
                tr(
                    "sandbox: made on this machine; nothing is sent to Alibaba, nothing is paid",
                    "沙箱：结果在本机生成，不会发送到阿里云，也不产生费用",
                )
            )
        yield settings.at(here, sandbox.base_url)
    finally:
        sandbox.stop()
