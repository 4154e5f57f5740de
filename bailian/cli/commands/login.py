"""`bailian login`: keep a key where the commands find it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bailian.cli.args.options import flag, option
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.config.secret import Secret


@click.command(
    cls=HelpCommand,
    examples=(
        ("", ""),
        ("--profile work", "--profile work"),
    ),
    help=tr(
        "Keep an API key: it is asked for and not shown (or comes through a pipe), checked at the service for nothing, "
        "and kept in a file that only you can read. No option takes a key: it would show in `ps`.",
        "保存 API Key：以不回显的方式输入（或从管道读取），免费向服务端验证，保存在只有您可读的文件中。"
        "没有接受密钥的选项：那样会出现在 `ps` 中。",
    ),
)
@option(
    "--profile NAME",
    "The key of this profile [default: the one without a name].",
    "该配置（profile）的密钥 [默认: 不具名]。",
)
@flag(
    "--keyring",
    'Keep it in the system\'s keyring; needs an extra: pip install ".[keyring]".',
    '保存在系统钥匙串中；需要安装附加项：pip install ".[keyring]"。',
)
@option(
    "--check/--no-check",
    "Ask the service whether it takes the key [default: yes].",
    "向服务端验证 [默认: 是]。",
    default=True,
)
@option("--region REGION", "Where the key belongs [default: beijing].", "密钥所属地域 [默认: beijing]。")
@option("--workspace ID", "Workspace (业务空间) id.", "业务空间 ID。")
def login(profile: str | None, keyring: bool, check: bool, region: str | None, workspace: str | None) -> None:
    from bailian.cli.output.terminal import print_data, print_err
    from bailian.config.keyring_store import NO_PROFILE
    from bailian.config.secret import IN_KEYRING
    from bailian.config.settings import home_folder

    home = home_folder()
    path = _file_of(profile, home)
    key = _asked_key(profile)
    name = profile or NO_PROFILE
    if check:
        _check(key, profile, region, workspace)
    if keyring:
        from bailian.config.keyring_store import keep_key

        keep_key(name, key.reveal())
    _keep(path, f"{IN_KEYRING}{name}" if keyring else key.reveal())
    where = tr("in the system's keyring", "在系统钥匙串中") if keyring else tr("readable by you alone", "仅您可读")
    print_err(tr(f"the key {key.masked} is kept ({where})", f"密钥 {key.masked} 已保存（{where}）"))
    if profile is None and os.environ.get("DASHSCOPE_API_KEY"):
        print_err(
            tr(
                "note: DASHSCOPE_API_KEY is set and wins over the file: unset DASHSCOPE_API_KEY",
                "提示：已设置 DASHSCOPE_API_KEY，它优先于该文件：unset DASHSCOPE_API_KEY",
            )
        )
    if profile is not None:
        use = how_to().command("config", "show", "--profile", profile)
        print_err(tr(f"use it with --profile {profile}; `{use}` shows it", f"用法：--profile {profile}；查看：`{use}`"))
    print_data(str(path))


def _file_of(profile: str | None, home: Path) -> Path:
    """Return where the key goes.

    Raises:
        InvalidRequest: the profile's name is none.
        SetupError: this user has no home.
    """
    from bailian.config.secret import default_key_file, profile_key_file, user_path
    from bailian.config.settings_file import PROFILE_NAME, read_settings_file
    from bailian.errors import InvalidRequest
    from bailian.store.private import no_home

    if profile is None:
        named = os.environ.get("DASHSCOPE_API_KEY_FILE_PATH")
        path = user_path("DASHSCOPE_API_KEY_FILE_PATH", named) if named else default_key_file()
        if path is None:
            raise no_home()
        return path
    if not PROFILE_NAME.fullmatch(profile):
        raise InvalidRequest.one(
            "profile",
            tr(f"{profile!r} must be letters, digits, - _ .", f"{profile!r} 只能由字母、数字、- _ . 组成"),
            advice="",
        )
    own = read_settings_file(home).profiles.get(profile)
    if own is not None and own.key_file is not None:
        return home / user_path(f"{own.origin} key_file", own.key_file)
    return profile_key_file(home, profile)


def _asked_key(profile: str | None) -> Secret:
    """Return the key that the person types, or that comes through a pipe.

    Raises:
        SetupError: there is none, or it is no key.
    """
    from bailian.cli.output.terminal import is_terminal
    from bailian.config.secret import checked_key
    from bailian.config.settings import GET_A_KEY_URL
    from bailian.errors import Interrupted, SetupError

    if is_terminal(sys.stdin):
        whose = tr(f" of {profile}", f"（{profile}）") if profile else ""
        text = tr(f"API key{whose} (not shown; {GET_A_KEY_URL})", f"API Key{whose}（不回显；获取：{GET_A_KEY_URL}）")
        try:
            value = click.prompt(text, hide_input=True, err=True, default="", show_default=False)
        except click.Abort:
            raise Interrupted(tr("interrupted; no key was kept", "已中断；未保存密钥"), advice="") from None
    else:
        value = sys.stdin.read()
    if not value.strip():
        raise SetupError(
            tr("no key was given", "未给出密钥"),
            code="Unauthorized",
            advice=tr(f"get one at {GET_A_KEY_URL}", f"获取密钥：{GET_A_KEY_URL}"),
        )
    return checked_key(value.strip(), tr("what was typed", "输入内容"))


def _check(key: Secret, profile: str | None, region: str | None, workspace: str | None) -> None:
    """Ask the service whether it takes the key.

    Raises:
        BailianError: it does not, or does not answer; the text says how to keep the key all the same.
    """
    from bailian.cli.commands.key_probe import asked_service
    from bailian.config.endpoints import PLAN_KEY_PREFIX, default_base_url
    from bailian.config.settings import GET_A_KEY_URL, read_settings
    from bailian.errors import BailianError

    known = profile if profile is None or _is_known(profile) else None
    here = read_settings(region=region, workspace=workspace, profile=known)
    base_url = here.base_url
    if "base_url" not in here.origins:
        plan = key.reveal().startswith(PLAN_KEY_PREFIX)
        base_url = default_base_url(here.region, here.workspace, token_plan=plan)
    try:
        asked_service(replace(here, base_url=base_url, api_key=key))
    except BailianError as error:
        error.task_id = None  # what was asked for is nobody's task
        if error.code == "Unauthorized" and "DASHSCOPE_API_KEY" in (error.advice or ""):
            error.advice = tr(
                f"type it again, or get one at {GET_A_KEY_URL}", f"请重新输入，或获取密钥：{GET_A_KEY_URL}"
            )
        keep = tr("--no-check keeps it all the same", "--no-check 可不验证直接保存")
        error.advice = f"{error.advice}; {keep}" if error.advice else keep
        raise


def _is_known(profile: str) -> bool:
    from bailian.config.settings import home_folder
    from bailian.config.settings_file import read_settings_file
    from bailian.config.user_defaults import profile_names

    home = home_folder()
    return profile in profile_names(read_settings_file(home), home)


def _keep(path: Path, text: str) -> None:
    """Write a file for the owner alone: whole, or not at all.

    Raises:
        SaveError: it cannot be written.
    """
    from bailian.errors import SaveError
    from bailian.store.private import private_file

    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        private_file(aside).write_text(text + "\n", encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise SaveError(
            tr(f"cannot write {path}: {reason_of(error)}", f"无法写入 {path}：{reason_of(error)}"), advice=""
        ) from None
