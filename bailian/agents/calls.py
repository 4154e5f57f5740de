"""A tool's call: what an agent gives → a request, as from Python; how it ended → what the agent is told."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bailian.agents.previews import previews
from bailian.agents.tools import KIND_TOOLS, UTILITIES, WAIT_MAX_S
from bailian.api.fetching import wait, wait_all
from bailian.api.one_request import checked, checked_timeout_s, sent
from bailian.api.results import Result
from bailian.api.running import Watch, in_own_words
from bailian.catalog import Catalog, Mode, load
from bailian.clock import current_clock
from bailian.config.settings import Settings, home_folder
from bailian.errors import BailianError, InvalidRequest, Problem, StillRunning
from bailian.files.naming import about
from bailian.i18n import tr
from bailian.instructions import Instructions
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from bailian.text.storage_path import ResultPath

SUBMIT_S = 60.0
"""How long a task that is only submitted may take to be submitted."""


class ToolWords(Instructions):
    """What an error advises, for an agent."""

    def fetch(self, flags: Any, *ids: str, elsewhere: bool = False) -> str:
        return ", ".join(f'the tool wait_task with task_id "{one}"' for one in ids) or "the tool fetch_tasks"

    def show(self, job_id: str) -> str:
        return "the tool list_tasks"

    def models(self) -> str:
        return "the tool models"

    def time_limit(self) -> str:
        return "wait_s"

    def cost_limit(self) -> str:
        return tr("max_cost_cny, or the server's budget", "max_cost_cny 或服务器的预算")


@dataclass(frozen=True)
class Answer:
    """What a call comes to."""

    text: str
    data: Mapping[str, Any]
    pictures: list[str] = field(default_factory=list)
    """Previews: JPEG as Base64."""
    failed: bool = False


@dataclass(frozen=True)
class Toolbox:
    """Answers calls, from one budget."""

    settings: Settings
    budget_cny: float
    output: ResultPath

    def call(self, name: str, given: Mapping[str, Any]) -> Answer:
        """Answer a call. What goes wrong is an answer, too: the agent reads it and mends its request."""
        try:
            with in_own_words():
                if name in KIND_TOOLS:
                    return self._make(name, given)
                if name in UTILITIES:
                    _refuse_unknown(given, UTILITIES[name][1])
                    answer: Answer = getattr(self, f"_{name}")(given)
                    return answer
        except StillRunning as error:
            return self._running(error)
        except BailianError as error:
            text = "\n".join(filter(None, (error.message, error.advice)))
            return Answer(text, {**error.to_json(), "budget_left_cny": self.left_cny()}, failed=True)
        listed = ", ".join((*KIND_TOOLS, *UTILITIES))
        return Answer(f"no tool {name!r}; there are {listed}", {}, failed=True)

    def models(self) -> Catalog:
        return load(home_folder())

    def _purse(self) -> Budget:
        """Return the budget: of a day, so that a server that is started again has not got it anew."""
        day = f"{datetime.fromtimestamp(current_clock().wall()):%Y-%m-%d}"
        return Budget(self.budget_cny, "run", run=f"mcp:{day}")

    def left_cny(self) -> float:
        with closing(Journal(self.settings.journal)) as journal:
            return round(max(0.0, self.budget_cny - journal.reserved_cny(self.settings.account, self._purse())), 6)

    def _make(self, name: str, given: Mapping[str, Any]) -> Answer:
        tool = KIND_TOOLS[name]
        wait_s = given.get("wait_s", tool.wait_s)
        if wait_s != 0:
            wait_s = checked_timeout_s(wait_s)
        fields = {key: value for key, value in given.items() if key != "wait_s"}
        _refuse_paths(fields)
        models = load(home_folder(), kind=tool.kind)
        options = {"timeout_s": wait_s or SUBMIT_S, "upload": False}
        if tool.kind != "text":
            options["output"] = f"{self.output}/"
        asked = checked(tool.kind, {**fields, **options}, self.settings, models, purse=self._purse())
        if asked.prepared.model.mode != Mode.TASK:  # the answer is the result: who leaves early has paid for nothing
            asked = replace(asked, timeout_s=WAIT_MAX_S)
        elif not wait_s:
            asked = replace(asked, rules=replace(asked.rules, wait=False))
        return self._made(sent(asked, self.settings, models, Watch()))

    def _made(self, result: Result) -> Answer:
        data = self._data(result)
        return Answer(_told(result, data), data, previews(result.files))

    def _data(self, result: Result) -> dict[str, Any]:
        wrong = [{"index": one.index, "code": one.code, "message": one.message} for one in result.items if one.code]
        data = {
            "state": result.state,
            "files": [str(path) for path in result.files],
            "text": result.text if result.kind in ("text", "transcription") else None,
            "task_id": result.task_id or result.job_id,
            "model": result.model,
            "cost_cny": result.cost.charged_cny,
            "estimate_cny": result.cost.estimate_cny,
            "budget_left_cny": self.left_cny(),
            "notices": [notice.message for notice in result.notices],
            "failed": wrong,
            "error": None if result.error is None else result.error.message,
        }
        return {name: value for name, value in data.items() if value not in (None, [])}

    def _running(self, error: StillRunning) -> Answer:
        data = {"state": "running", "task_id": error.task_id, "budget_left_cny": self.left_cny()}
        return Answer(f"{error.message}; {error.advice}", data)

    def _wait_task(self, given: Mapping[str, Any]) -> Answer:
        task_id = given.get("task_id")
        if not isinstance(task_id, str) or not task_id:
            raise InvalidRequest.one("task_id", tr("is required", "必填"), advice="")
        timeout_s = checked_timeout_s(given.get("wait_s", 50.0) or 1.0)
        return self._made(wait(task_id, settings=self.settings, timeout_s=timeout_s))

    def _fetch_tasks(self, given: Mapping[str, Any]) -> Answer:
        timeout_s = checked_timeout_s(given.get("wait_s", 10.0) or 1.0)
        results = wait_all(settings=self.settings, timeout_s=timeout_s)
        data = [self._data(one) for one in results]
        text = "\n".join(_told(one, told) for one, told in zip(results, data, strict=True))
        files = [path for one in results for path in one.files]
        return Answer(text or tr("nothing is left to fetch", "没有需要取回的任务"), {"tasks": data}, previews(files))

    def _list_tasks(self, given: Mapping[str, Any]) -> Answer:
        with closing(Journal(self.settings.journal)) as journal:
            rows = [
                {
                    "task_id": row.task_id or row.id,
                    "state": str(row.state.value),
                    "kind": row.kind,
                    "model": row.model,
                    "prompt": about(row.request)[:80],
                    "files": [str(path) for path in journal.files(row.id).values()],
                    "cost_cny": row.charged_cny,
                }
                for row in journal.jobs(self.settings.account, (), int(given.get("limit", 20)))
            ]
        lines = [f"{one['task_id']} {one['state']} {one['model']} {one['prompt']}" for one in rows]
        return Answer("\n".join(lines) or tr("no tasks", "没有任务"), {"tasks": rows})

    def _models(self, given: Mapping[str, Any]) -> Answer:
        from bailian.catalog.known_fields import known

        models = self.models()
        if given.get("name"):
            shown = [models.find(str(given["name"]))]
        else:
            shown = list(models.of_kind(given["kind"])) if given.get("kind") else list(models.values())
        found = [known(one, models.today) for one in shown]
        if not given.get("name"):
            found = [{name: one[name] for name in BRIEF if name in one} for one in found]
        return Answer("\n".join(str(one) for one in found), {"models": found})

    def _budget(self, _given: Mapping[str, Any]) -> Answer:
        left_cny = self.left_cny()
        text = tr(
            f"{left_cny:g} of {self.budget_cny:g} CNY are left today",
            f"今日预算 {self.budget_cny:g} 元，剩余 {left_cny:g} 元",
        )
        return Answer(text, {"budget_cny": self.budget_cny, "budget_left_cny": left_cny})


BRIEF = ("name", "kind", "title", "life", "sizes", "size_tiers", "max_pixels", "n_max", "durations_s", "prompt_chars",
         "price_cny", "price_unit")  # fmt: skip
OWN_PLACES = ("output", "name", "sidecar", "settings", "sandbox", "region", "base_url", "workspace", "profile", "progress",
              "timeout_s", "wait", "use_successor", "upload", "stream", "go_on", "chat")  # fmt: skip
"""What the person who starts the server decides, not the agent."""


def _refuse_paths(given: Mapping[str, Any]) -> None:
    wrong = [
        Problem(name, tr("is not a field of this tool", "不是该工具的字段")) for name in given if name in OWN_PLACES
    ]
    if wrong:
        raise InvalidRequest(wrong, advice="")


def _refuse_unknown(given: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
    listed = ", ".join(properties) or "-"
    text = tr(f"is not a field of this tool; its own: {listed}", f"不是该工具的字段；可用：{listed}")
    wrong = [Problem(name, text) for name in given if name not in properties]
    for name, rule in properties.items():
        value = given.get(name)
        number = rule.get("type") in ("integer", "number")
        if value is None or not number:
            continue
        low, high = rule.get("minimum", 0), rule.get("maximum", float("inf"))
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            allowed = tr(f"{value!r} is not in {low:g} to {high:g}", f"{value!r} 不在 {low:g} 到 {high:g} 之间")
            wrong.append(Problem(name, allowed))
    if wrong:
        raise InvalidRequest(wrong, advice="")


def _told(result: Result, data: Mapping[str, Any]) -> str:
    lines = [str(path) for path in result.files]
    if data.get("text"):
        lines.append(str(data["text"]))
    if result.state == "submitted":
        task_id = data["task_id"]
        lines.append(
            tr(f"submitted: task_id {task_id}; wait_task fetches it", f"已提交：task_id {task_id}；用 wait_task 取回")
        )
    lines += [tr("note: ", "提示：") + text for text in data.get("notices", ())]
    if result.error is not None:
        lines.append(tr("error: ", "错误：") + result.error.message)
    cost = result.cost.charged_cny if result.cost.charged_cny is not None else result.cost.estimate_cny
    if cost is not None:
        left = data["budget_left_cny"]
        lines.append(tr(f"{cost:g} CNY, {left:g} left", f"{cost:g} 元，剩余 {left:g} 元"))
    return "\n".join(lines)
