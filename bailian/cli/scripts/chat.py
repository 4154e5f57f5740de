"""text2text.py: one question, the next of a conversation, or a conversation on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.batch.input.rows import BatchRow
from bailian.catalog import catalog
from bailian.cli.account import settings_of
from bailian.cli.args.checks import checked
from bailian.cli.args.config_file import holds_many, read_request
from bailian.cli.args.keyboard import Keyboard
from bailian.cli.args.options import SharedOptions
from bailian.cli.args.prepare import given_fields, stdin_text, text_of_file
from bailian.cli.args.target import target_of
from bailian.cli.chosen_service import service
from bailian.cli.output.terminal import is_terminal, print_err, print_error, print_notices
from bailian.cli.scripts.go_on import begun_answer
from bailian.cli.scripts.request import RequestSpec, run_all, send
from bailian.config import settings
from bailian.errors import BailianError, Exit, InvalidRequest, Problem
from bailian.i18n import tr
from bailian.modalities.rules.fields import check_prompt
from bailian.store.states import Status
from bailian.types import Notice

if TYPE_CHECKING:
    from bailian.engine.engine import Engine
    from bailian.engine.step import Outcome


OF_ONE_ANSWER = ("image", "video", "prefix", "json_schema")
"""Flags that belong to one question: without a prompt it is read from the terminal."""


def run_text(given: Mapping[str, Any], common: SharedOptions) -> int:
    """Run one question, or a conversation if none is given and a person sits there."""
    fields = dict(given)
    files, fresh, cut = fields.pop("files"), fields.pop("fresh"), fields.pop("go_on")
    fields["stop"] = list(fields["stop"])
    if cut is not None:
        fields |= {**begun_answer(cut, common), **given_fields(fields)}
    _check_chat(fields["chat"], fresh)
    asked = fields["prompt"] is not None or files or common.config is not None or fields["ocr"] or cut
    interactive = not asked and not any(fields[name] for name in OF_ONE_ANSWER) and is_terminal(sys.stdin)
    if interactive and not common.as_json and not common.dry_run:
        return _converse(fields, common, fresh=fresh)
    if not asked:
        fields["prompt"] = "-"
    notices: list[Notice] = []
    fields["prompt"] = _with_files(fields["prompt"], files, notices)
    fields["stream"] = _streams(given["stream"], common)
    if fields["chat"] and cut is None:
        fields["messages"] = None if fresh else _history(fields["chat"], common)
    here = settings_of(common)
    target = target_of("text", common, here.defaults.folder)
    if common.sidecar and target.folder is None:
        raise InvalidRequest.one(
            "sidecar", tr("stands beside a file", "只能与文件一起使用"), advice=tr("give -o FILE", "请指定 -o FILE")
        )
    return run_all("text", [RequestSpec(fields, target, tuple(notices))], common, here, run=_run_of(fields["chat"]))


def _check_chat(chat: str | None, fresh: bool) -> None:
    problems = [] if chat is None else check_prompt("chat", chat, None)
    if chat is None and fresh:
        problems = [Problem("fresh", tr("there is no conversation to begin anew", "没有可重新开始的对话"))]
    if problems:
        raise InvalidRequest(problems, advice=tr("name the conversation: --chat NAME", "请指定对话名：--chat NAME"))


def _check_conversation(common: SharedOptions) -> None:
    """Refuse what needs one answer, before the first question."""
    given = {
        "output": common.output is not None,
        "name": common.name is not None,
        "sidecar": common.sidecar,
        "no-wait": not common.wait,
    }
    problems = [Problem(name, tr("is not for a conversation", "不能用于对话")) for name in given if given[name]]
    if problems:
        raise InvalidRequest(
            problems,
            advice=tr("leave it out, or put the question on the command line", "请去掉该参数，或在命令行中给出问题"),
        )


def _streams(asked: bool | None, common: SharedOptions) -> bool | None:
    """Return whether the answer comes in pieces; None leaves it to the config file."""
    config = common.config
    if asked is not None or (config is not None and (holds_many(config) or "stream" in read_request(config))):
        return asked
    return is_terminal(sys.stdout) and not common.as_json and common.output is None


def _run_of(chat: str | None) -> str | None:
    return f"chat:{chat}" if chat else None


def _with_files(prompt: str | None, files: tuple[Path, ...], notices: list[Notice]) -> str | None:
    """Return the prompt with the files' texts behind it."""
    if not files:
        return prompt
    parts = [stdin_text(notices) if prompt == "-" else prompt] if prompt else []
    return "\n\n".join([*parts, *(text_of_file(path, notices) for path in files)])


def _history(chat: str, common: SharedOptions) -> list[dict[str, Any]] | None:
    """Return the conversation so far; None if it is a new one."""
    from bailian.modalities.text.text_answers import next_messages
    from bailian.store.jobs import Journal

    here = settings_of(common)
    if not common.dry_run:
        here.require_key()
    with closing(Journal(here.home)) as journal:
        row = journal.last_of_run(here.account, f"chat:{chat}", Status.DONE)
    return next_messages(row.prepared.body, row.answer or {}) if row else None


def _converse(fields: dict[str, Any], common: SharedOptions, *, fresh: bool) -> int:
    """Ask, answer, ask … until Ctrl-D. An answer that fails ends itself, not the conversation."""
    from bailian.cli.output.streaming import StreamedText
    from bailian.engine.engine import Engine

    here = settings_of(common)
    here.require_key()
    _check_conversation(common)
    models = catalog.load(settings.home_folder(), use_successor=common.use_successor)
    fields["stream"] = fields["stream"] is not False
    checked([BatchRow("text", {**fields, "prompt": "JSON?"})], common, here, models)  # before the first question
    messages = None if fresh or not fields["chat"] else _history(fields["chat"], common)
    print_err(tr("Ctrl-D ends, Ctrl-C stops an answer", "Ctrl-D 结束，Ctrl-C 中止当前回答"))
    keyboard = Keyboard()
    with service(here, quiet=common.quiet) as there:
        while (prompt := keyboard.ask()) is not None:
            asked = {**fields, "prompt": prompt, "messages": messages}
            progress = StreamedText(not common.quiet, common.verbose)
            try:
                with progress, Engine(there, models, progress) as engine:
                    outcome = _answered(engine, asked, progress, common)
            except BailianError as error:
                print_error(error)
                if error.exit_code == Exit.ACCOUNT:
                    return error.exit_code
                continue
            if outcome is not None and outcome.state == Status.DONE:
                from bailian.modalities.text.text_answers import next_messages

                messages = next_messages(outcome.job.prepared.body, outcome.job.answer or {})
    return Exit.OK


def _answered(engine: Engine, asked: dict[str, Any], progress: Any, common: SharedOptions) -> Outcome | None:
    from bailian.engine.job import OutputSpec

    # What was typed is the question, "-" too.
    (prepared,) = checked([BatchRow("text", asked)], common, engine.settings, engine.catalog)
    print_notices(prepared.notices)
    ended: list[Outcome] = []
    quiet = replace(common, quiet=True)
    send(engine, [prepared], [OutputSpec(None, "")], progress, quiet, run=_run_of(asked["chat"]), ended=ended)
    return ended[0] if ended else None
