"""text2text.py: one question, the next of a conversation, or a conversation on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian import catalog, settings
from bailian.cli.checks import check_cost, check_strict
from bailian.cli.options import Common
from bailian.cli.prepare import prepare, stdin_text, text_of_file
from bailian.cli.run import Asked, run_all, send, service
from bailian.cli.target import target_of
from bailian.cli.terminal import talk, talk_error, talk_notices
from bailian.errors import BailianError, Exit
from bailian.language import say

if TYPE_CHECKING:
    from bailian.engine.job import Outcome
    from bailian.engine.run import Engine

END_WORDS = ("/exit", "/quit", "/bye")


def run_text(given: Mapping[str, Any], common: Common) -> int:
    """Run one question, or a conversation if none is given and a person sits there."""
    fields = dict(given)
    files, fresh = fields.pop("files"), fields.pop("fresh")
    interactive = fields["prompt"] is None and not files and common.config is None and sys.stdin.isatty()
    if interactive and not common.as_json and not common.dry_run:
        return _converse(fields, common, fresh=fresh)
    if fields["prompt"] is None and not files and common.config is None:
        fields["prompt"] = "-"
    fields["prompt"] = _with_files(fields["prompt"], files)
    fields["stream"] = _streams(given["stream"], common)
    if fields["chat"]:
        fields["messages"] = None if fresh else _history(fields["chat"], common)
    target = target_of(common.output, default=None, suffixes=(), as_file=False)
    return run_all("text", [Asked(fields, target)], common, run=_run_of(fields["chat"]))


def _streams(asked: bool | None, common: Common) -> bool:
    if asked is None:
        return sys.stdout.isatty() and not common.as_json and common.output is None
    return asked


def _run_of(chat: str | None) -> str | None:
    return f"chat:{chat}" if chat else None


def _with_files(prompt: str | None, files: tuple[Path, ...]) -> str | None:
    """Return the prompt with the files' texts behind it."""
    if not files:
        return prompt
    parts = [stdin_text() if prompt == "-" else prompt] if prompt else []
    return "\n\n".join([*parts, *(text_of_file(path) for path in files)])


def _settings_of(common: Common) -> settings.Settings:
    return settings.read_settings(
        region=common.region, base_url=common.base_url, workspace=common.workspace, sandbox=common.sandbox
    )


def _history(chat: str, common: Common) -> list[dict[str, Any]] | None:
    """Return the conversation so far; None if it is a new one."""
    from bailian.journal import Journal
    from bailian.modalities.text_answers import next_messages

    here = _settings_of(common)
    if not common.dry_run:
        here.require_key()
    with closing(Journal(here.home)) as journal:
        row = journal.last_of_run(here.account, f"chat:{chat}", "done")
    return next_messages(row.prepared["body"], row.answer or {}) if row else None


def _converse(fields: dict[str, Any], common: Common, *, fresh: bool) -> int:
    """Ask, answer, ask … until Ctrl-D. An answer that fails ends itself, not the conversation."""
    from bailian.cli.streaming import StreamedText
    from bailian.engine.run import Engine

    here = _settings_of(common)
    here.require_key()
    models = catalog.load(settings.home_folder())
    fields["stream"] = fields["stream"] is not False
    messages = None if fresh or not fields["chat"] else _history(fields["chat"], common)
    talk(say("Ctrl-D ends, Ctrl-C stops an answer", "Ctrl-D 结束，Ctrl-C 中止当前回答"))
    with service(here, quiet=common.quiet) as there:
        while (prompt := _asked()) is not None:
            asked = {**fields, "prompt": prompt, "messages": messages}
            progress = StreamedText(not common.quiet, common.verbose)
            try:
                with progress, Engine(there, models, progress) as engine:
                    outcome = _answered(engine, asked, progress, common)
            except BailianError as error:
                talk_error(error)
                if error.exit_code == Exit.ACCOUNT:
                    return error.exit_code
                continue
            if outcome is not None and outcome.state == "done":
                from bailian.modalities.text_answers import next_messages

                messages = next_messages(outcome.job.prepared["body"], outcome.job.answer or {})
    return Exit.OK


def _answered(engine: Engine, asked: dict[str, Any], progress: Any, common: Common) -> Outcome | None:
    from bailian.engine.job import Saving

    prepared = prepare("text", asked, replace(common, config=None), engine.settings, engine.catalog)
    check_strict([prepared], common)
    check_cost([prepared], common)
    talk_notices(prepared.notices)
    ended: list[Outcome] = []
    quiet = replace(common, quiet=True)
    send(engine, [prepared], [Saving(None, "")], progress, quiet, run=_run_of(asked["chat"]), ended=ended)
    return ended[0] if ended else None


def _asked() -> str | None:
    """Return what the person types; None at the end."""
    import contextlib

    with contextlib.suppress(ImportError):  # line editing and history, where the system has it
        import readline  # noqa: F401
    while True:
        try:
            line = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            talk("")
            return None
        if line in END_WORDS:
            return None
        if line:
            return line
