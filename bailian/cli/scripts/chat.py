"""text2text.py: one question, the next of a conversation, or a conversation on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bailian.batch.begun_answer import begun_answer
from bailian.cli.account import settings_of
from bailian.cli.args.chat_name import name_problems
from bailian.cli.args.config_file import holds_many, read_request
from bailian.cli.args.options import SharedOptions
from bailian.cli.args.prepare import given_fields, stdin_text, text_of_file
from bailian.cli.args.target import target_of
from bailian.cli.output.terminal import is_terminal
from bailian.cli.scripts.request import RequestSpec, run_all
from bailian.config.settings import Settings
from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr
from bailian.types import Notice

KEEPING = ("chats", "show", "rename", "delete")
"""Flags that ask nothing: they list conversations, show, rename or delete one."""


OF_ONE_ANSWER = ("prefix", "json_schema")
"""Flags that belong to one question: without a prompt it is read from the terminal."""


def run_text(given: Mapping[str, Any], common: SharedOptions) -> int:
    """Run one question, or a conversation if none is given and a person sits there."""
    fields = dict(given)
    keeping = {name: fields.pop(name) for name in KEEPING}
    if any(value not in (None, False) for value in keeping.values()):
        from bailian.cli.chats.keeping import keep

        return keep(fields, keeping, common)
    files, fresh, cut = fields.pop("files"), fields.pop("fresh"), fields.pop("go_on")
    fields["stop"] = list(fields["stop"])
    if cut is not None:
        fields |= {**begun_answer(cut, given, settings_of(common)), **given_fields(fields)}
    _check_chat(fields["chat"], fresh)
    asked = (
        fields["prompt"] is not None or files or common.config is not None or fields["ocr"] or cut or common.rows.each
    )
    interactive = not asked and not any(fields[name] for name in OF_ONE_ANSWER) and is_terminal(sys.stdin)
    if interactive and not common.as_json and not common.dry_run:
        from bailian.cli.chats.conversation import converse

        return converse(fields, common, fresh=fresh)
    if not asked:
        fields["prompt"] = "-"
    notices: list[Notice] = []
    fields["prompt"] = _with_files(fields["prompt"], files, notices)
    fields["stream"] = _streams(given["stream"], common)
    here = settings_of(common)
    target = target_of("text", common, here.defaults.folder)
    if common.sidecar and target.folder is None:
        raise InvalidRequest.one(
            "sidecar", tr("stands beside a file", "只能与文件一起使用"), advice=tr("give -o FILE", "请指定 -o FILE")
        )
    request = RequestSpec(fields, target, tuple(notices))
    if not fields["chat"]:
        return run_all("text", [request], common, here)
    return _next_turn(request, common, here, fresh=fresh, goes_on=cut is not None)


def _next_turn(request: RequestSpec, common: SharedOptions, here: Settings, *, fresh: bool, goes_on: bool) -> int:
    """Ask the next question of a conversation that has a name; one process at a time does."""
    from bailian.cli.chats import named

    name = request.fields["chat"]
    if not common.dry_run:
        here.require_key()
    with named.alone(here.journal, here.account, None if common.dry_run else name, common.timeout_s):
        if not goes_on:  # it has the turns before it
            messages = None if fresh else named.history(here, name)
            model = _model(request, common, here) if messages else request.fields["model"]
            request = replace(request, fields={**request.fields, "messages": messages, "model": model})
        return run_all("text", [request], common, here, run=named.run_of(name))


def _model(request: RequestSpec, common: SharedOptions, here: Settings) -> str | None:
    """Return the model that is named, or else the one that the conversation has had so far."""
    config = common.config
    named_model: str | None = request.fields["model"]
    if named_model or (config is not None and (holds_many(config) or "model" in read_request(config))):
        return named_model
    from bailian.catalog import catalog
    from bailian.cli.chats import named
    from bailian.config import settings

    models = catalog.load(settings.home_folder(), kind="text")
    return named.kept_model(here, request.fields["chat"], request.fields, models)


def _check_chat(chat: str | None, fresh: bool) -> None:
    problems = [] if chat is None else name_problems("chat", chat)
    if chat is None and fresh:
        problems = [Problem("fresh", tr("there is no conversation to begin anew", "没有可重新开始的对话"))]
    if problems:
        raise InvalidRequest(problems, advice=tr("name the conversation: --chat NAME", "请指定对话名：--chat NAME"))


def _streams(asked: bool | None, common: SharedOptions) -> bool | None:
    """Return whether the answer comes in pieces; None leaves it to the config file."""
    config = common.config
    if asked is not None or (config is not None and (holds_many(config) or "stream" in read_request(config))):
        return asked
    return is_terminal(sys.stdout) and not common.as_json and common.output is None


def _with_files(prompt: str | None, files: tuple[Path, ...], notices: list[Notice]) -> str | None:
    """Return the prompt with the files' texts behind it."""
    if not files:
        return prompt
    parts = [stdin_text(notices) if prompt == "-" else prompt] if prompt else []
    return "\n\n".join([*parts, *(text_of_file(path, notices) for path in files)])
