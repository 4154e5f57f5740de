"""A conversation on the terminal: ask, answer, ask … until Ctrl-D. What begins with `/` is for the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bailian.batch.input.batch_row import BatchRow
from bailian.catalog import Catalog, catalog
from bailian.cli.account import settings_of
from bailian.cli.args.checks import checked
from bailian.cli.args.keyboard import Command, Keyboard
from bailian.cli.args.options import SharedOptions
from bailian.cli.chats import named
from bailian.cli.chats.commands import obey
from bailian.cli.chats.transcript import text_of_content
from bailian.cli.chosen_service import service
from bailian.cli.output.terminal import print_err, print_error, print_notices
from bailian.cli.scripts.request import send
from bailian.config import settings
from bailian.config.settings import Settings
from bailian.errors import BailianError, Exit, InvalidRequest, Problem
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.modalities.text.text_answers import next_messages
from bailian.store.states import Status

if TYPE_CHECKING:
    from bailian.engine.engine import Engine
    from bailian.engine.step import Outcome
    from bailian.types import Prepared


class Conversation:
    """What is known of a conversation while a person sits there. One without a name lives here alone."""

    def __init__(
        self, fields: Mapping[str, Any], common: SharedOptions, here: Settings, models: Catalog, *, fresh: bool
    ) -> None:
        self.fields = dict(fields)
        self.common = common
        self.here = here
        self.models = models
        self._new = fresh
        """Nothing has been answered since `--fresh`."""
        self._messages: list[dict[str, Any]] | None = None
        self._begun = False
        """It has turns, as far as this process knows."""
        self._model: str | None = None
        """What answered last."""
        self._cost_cny = 0.0

    @property
    def name(self) -> str | None:
        return self.fields.get("chat")

    def messages(self) -> list[dict[str, Any]] | None:
        """Return what goes along with the next question: of a named one what the journal has, others' turns too."""
        if not self.name:
            return self._messages
        return None if self._new else named.history(self.here, self.name)

    def cost_cny(self) -> float:
        """Return what it has cost; of a named one on all days."""
        return named.cost_cny(self.here, self.name) if self.name else self._cost_cny

    def undo(self) -> list[dict[str, Any]] | None:
        """Take the last turn back; return the messages as they were, None if there is no turn."""
        before = self.messages()
        if not before:
            return None
        if self.name:
            named.undo(self.here, self.name)
        else:
            first = max(number for number, one in enumerate(before) if one.get("role") == "user")
            self._messages = before[:first] or None
        self._begun = bool(self.messages())
        if before[0].get("role") == "system" and not self.fields.get("system"):
            self.fields["system"] = text_of_content(
                before[0].get("content")
            )  # it stays, also where no turn is left that holds it
        return before

    def prepared(self, prompt: str, **other: Any) -> Prepared:
        """Return the next question, checked.

        Raises:
            BailianError: it is refused.
        """
        asked = {**self.fields, **other, "prompt": prompt, "messages": self.messages()}
        if not asked.get("model") and asked["messages"]:
            asked["model"] = (
                named.kept_model(self.here, self.name, asked, self.models)
                if self.name
                else named.able_model(self._model, asked, self.models)
            )
        (one,) = checked([BatchRow("text", asked)], self.common, self.here, self.models)
        return one

    def answer(self, engine: Engine, prompt: str, progress: Any) -> None:
        """Ask one question and print its answer.

        Raises:
            BailianError: it is refused, or the account is in trouble.
        """
        from bailian.engine.job import OutputSpec

        with named.alone(self.here.journal, self.here.account, self.name, self.common.timeout_s):
            self._look()
            # What was typed is the question, "-" too.
            prepared = self.prepared(prompt)
            print_notices(prepared.notices)
            ended: list[Outcome] = []
            quiet, run = replace(self.common, quiet=True), named.run_of(self.name)
            send(engine, [prepared], [OutputSpec(None, "")], progress, quiet, run=run, ended=ended)
        for outcome in ended:
            if not self.common.quiet:
                print_notices(outcome.job.notices[len(prepared.notices) :])
            self._note(outcome)

    def _look(self) -> None:
        """Say so when a conversation with turns has none any more: another process has deleted or renamed it."""
        has_turns = bool(self.messages())
        if self._begun and not has_turns:
            print_err(
                tr(
                    f"{self.name} was deleted or renamed meanwhile: it begins anew",
                    f"{self.name} 已被删除或改名：重新开始",
                )
            )
        self._begun = has_turns

    def _note(self, outcome: Outcome) -> None:
        job = outcome.job
        self._cost_cny += job.charged_cny or 0.0
        if outcome.state == Status.DONE:
            self._new, self._begun = False, True
            self._messages = next_messages(job.prepared.body, job.answer or {})
            self._model = job.model
            for field in (*modality_of("text").INPUT_FIELDS, "image_max_tokens"):  # shown once, not sent once more
                self.fields.pop(field, None)


def converse(fields: Mapping[str, Any], common: SharedOptions, *, fresh: bool) -> int:
    """Ask, answer, ask … until Ctrl-D. An answer that fails ends itself, not the conversation."""
    from bailian.cli.output.streaming import StreamedText
    from bailian.engine.engine import Engine

    here = settings_of(common)
    here.require_key()
    _check(common)
    models = catalog.load(settings.home_folder(), use_successor=common.use_successor)
    asked = {**fields, "stream": fields["stream"] is not False}
    checked([BatchRow("text", {**asked, "prompt": "JSON?"})], common, here, models)  # before the first question
    talk = Conversation(asked, common, here, models, fresh=fresh)
    print_err(
        tr(
            "Ctrl-D ends, Ctrl-C stops an answer, /help lists commands",
            "Ctrl-D 结束，Ctrl-C 中止当前回答，/help 列出命令",
        )
    )
    keyboard = Keyboard()
    with service(here, quiet=common.quiet) as there:
        while (typed := keyboard.ask()) is not None:
            try:
                if isinstance(typed, Command):
                    obey(talk, typed)
                    continue
                progress = StreamedText(not common.quiet, common.verbose)
                with progress, Engine(there, models, progress) as engine:
                    talk.answer(engine, typed, progress)
            except BailianError as error:
                print_error(error)
                if error.exit_code == Exit.ACCOUNT:
                    return error.exit_code
            except KeyboardInterrupt:  # while it waited for its turn: nothing was sent
                print_err(tr("interrupted; nothing was sent", "已中断，未发送任何请求"))
    return Exit.OK


def _check(common: SharedOptions) -> None:
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
