"""One request from flags to files: check, show or send, report. Every script ends here."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian import catalog, settings
from bailian.cli.config import read_request
from bailian.cli.options import Common
from bailian.cli.terminal import talk, talk_error, talk_notices, write_data, write_json
from bailian.database import unusable
from bailian.errors import BudgetExceeded, Exit, InvalidRequest, SetupError
from bailian.language import say
from bailian.media import naming
from bailian.modalities import of
from bailian.modalities.shapes import Input, Prepared

if TYPE_CHECKING:
    from bailian.engine.job import Outcome
    from bailian.settings import Settings


def run(kind: str, given: Mapping[str, Any], common: Common, *, upload: bool = False) -> int:
    """Run one request; return the exit code. `upload` sends local files by upload whatever their size."""
    here = settings.read_settings(
        region=common.region, base_url=common.base_url, workspace=common.workspace, sandbox=common.sandbox
    )
    models = catalog.load(settings.home_folder())
    prepared = prepare(kind, given, common, here, models)
    prepared = replace(prepared, upload=upload)
    naming.check_template(common.name or naming.DEFAULT_TEMPLATE)
    if not common.wait and prepared.model.mode == "sync":
        raise InvalidRequest.one(
            "no-wait",
            say(
                f"{prepared.model.name} answers with the picture itself: there is no task to fetch later",
                f"{prepared.model.name} 直接返回图片，没有可供稍后取回的任务",
            ),
            advice=say("leave --no-wait out", "请去掉 --no-wait"),
        )
    _check_strict(prepared, common)
    _check_cost(prepared, common)
    if common.dry_run:
        _show_request(prepared, here, common)
        return Exit.OK
    here.require_key()
    _check_folder(common.output)
    if not common.quiet and not common.as_json:
        talk_notices(prepared.notices)
    with service(here, quiet=common.quiet or common.as_json) as there:
        return _send(prepared, there, models, common)


def prepare(kind: str, given: Mapping[str, Any], common: Common, here: Settings, models: catalog.Catalog) -> Prepared:
    """Return the checked request of a command line and its config file; flags win."""
    modality = of(kind)
    fields: dict[str, Any] = {}
    if common.config:
        fields = modality.from_config(read_request(common.config))
        _place_inputs(fields, modality.INPUT_FIELDS, common.config.absolute().parent)
    fields.update({name: value for name, value in given.items() if value not in (None, ())})
    if fields.get("prompt") == "-":
        fields["prompt"] = _stdin_text()
    inputs: dict[str, Input] = {}
    for name in modality.INPUT_FIELDS:
        if name in fields:
            fields[name] = [one.url for one in _resolved(name, fields[name], here.home, inputs)]
    return modality.prepare(fields, models, here.region, inputs)


def _stdin_text() -> str:
    try:
        return sys.stdin.read().strip()
    except UnicodeDecodeError:
        raise InvalidRequest.one("prompt", say("stdin is not UTF-8 text", "stdin 不是 UTF-8 文本"), advice="") from None


def _resolved(name: str, value: Any, home: Path, inputs: dict[str, Input]) -> list[Input]:
    from bailian.media.inputs import resolve

    words = [value] if isinstance(value, str | Path) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str | Path) for word in words):
        raise InvalidRequest.one(name, say("must be a path or URL, or a list of them", "应为路径或链接，或它们的列表"))
    found = [resolve(name, str(word), home) for word in words]
    inputs.update({one.url: one for one in found})
    return found


def _place_inputs(fields: dict[str, Any], names: tuple[str, ...], folder: Path) -> None:
    """A relative path in a config file is relative to that file."""
    for name in names:
        words = fields.get(name)
        if isinstance(words, str):
            fields[name] = _placed(words, folder)
        elif isinstance(words, list):
            fields[name] = [_placed(word, folder) if isinstance(word, str) else word for word in words]


def _placed(word: str, folder: Path) -> str:
    from bailian.media.inputs import local_path

    remote = ("http://", "https://", "oss://", "data:")
    return word if word == "-" or word.startswith(remote) else str(folder / local_path(word))


def _send(prepared: Prepared, there: Settings, models: catalog.Catalog, common: Common) -> int:
    from bailian.cli.progress import ProgressLine
    from bailian.engine.job import Saving
    from bailian.engine.run import Engine

    saving = Saving(common.output.absolute(), common.name or naming.DEFAULT_TEMPLATE, common.sidecar)
    with ProgressLine(not common.quiet, common.verbose) as progress, Engine(there, models, progress) as engine:
        started_s = time.monotonic()
        job = engine.intend(prepared, saving)
        code = Exit.OK
        with closing(engine.run([job], timeout_s=common.timeout_s, wait=common.wait)) as outcomes:
            for outcome in outcomes:
                with progress.paused():
                    code = report(outcome, common.as_json)
                    if outcome.files and not common.quiet and not common.as_json:
                        _summary(outcome, time.monotonic() - started_s, len(prepared.notices), there.sandbox)
        return code


def report(outcome: Outcome, as_json: bool) -> Exit:
    """Print how a job ended; return the exit code that says so."""
    error = outcome.error
    if as_json:
        write_json(outcome_json(outcome))
    else:
        for path in outcome.files:
            write_data(shown_path(path))
        if outcome.state == "submitted" and error is None:
            write_data(outcome.job.task_id or outcome.job.id)
        if error is not None:
            talk_error(error)
    return error.exit_code if error else Exit.OK


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return the seed document's answer plus local fields; of a failure, the error."""
    job, error = outcome.job, outcome.error
    if error is not None and not outcome.files:
        return error.to_json()
    answer = job.answer or {}
    shown: dict[str, Any] = {"request_id": job.request_id}
    if job.answer:
        shown["output"] = of(job.kind).with_paths(
            answer, job.prepared, {index: str(path) for index, path in outcome.placed.items()}
        )
        if "usage" in answer:
            shown["usage"] = answer["usage"]
    else:
        shown["output"] = {"task_id": job.task_id, "task_status": "PENDING"}
    shown["files"] = [str(path) for path in outcome.files]
    shown["cost"] = {"currency": "CNY", "estimate": job.estimate_cny, "charged": job.charged_cny}
    shown["notices"] = [vars(notice) for notice in job.notices]
    if error is not None:
        shown["error"] = error.to_json()["error"]
    return shown


def shown_path(path: Path) -> str:
    """Return the path as a user would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, FileNotFoundError):  # elsewhere, or this folder is gone
        return str(path)


def _summary(outcome: Outcome, took_s: float, notices_shown: int, sandbox: bool) -> None:
    job = outcome.job
    talk_notices(job.notices[notices_shown:])
    price = "" if job.charged_cny is None else say(f", {job.charged_cny:g} CNY", f"，{job.charged_cny:g} 元")
    cost = price + (say(" (sandbox: not paid)", "（沙箱：不计费）") if sandbox else "")
    if job.task_id:
        cost += say(f", task {job.task_id}", f"，任务 {job.task_id}")
    talk(say(f"done in {took_s:.1f} s{cost}", f"完成，用时 {took_s:.1f} 秒{cost}"))


def _check_strict(prepared: Prepared, common: Common) -> None:
    if common.strict and prepared.notices:
        raise InvalidRequest.one(
            "",
            "\n".join(notice.message for notice in prepared.notices),
            advice=say(
                "--strict refuses what would be adapted: change the request, or leave --strict out",
                "--strict 拒绝需要调整的请求：请修改请求，或去掉 --strict",
            ),
        )


def _check_cost(prepared: Prepared, common: Common) -> None:
    limit_cny = common.max_cost_cny
    if limit_cny is None:
        return
    if prepared.estimate_cny is None:
        raise BudgetExceeded(
            say(
                f"the price of {prepared.model.name} is not known, so --max-cost cannot be kept",
                f"{prepared.model.name} 的价格未知，无法保证 --max-cost",
            ),
            advice=say("put `price_cny` into the user's models.toml", "请在用户的 models.toml 中填写 price_cny"),
        )
    if prepared.estimate_cny > limit_cny:
        raise BudgetExceeded(
            say(
                f"this costs {prepared.estimate_cny:g} CNY, --max-cost is {limit_cny:g}",
                f"需要 {prepared.estimate_cny:g} 元，超过 --max-cost {limit_cny:g} 元",
            ),
            advice=say("raise --max-cost, or ask for fewer pictures", "请提高 --max-cost，或减少张数"),
        )


def _check_folder(folder: Path) -> None:
    """Refuse before paying what could not be saved afterwards."""
    from tempfile import TemporaryFile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InvalidRequest.one(
            "output",
            say(f"cannot write into {folder}: {error.strerror}", f"无法写入目录 {folder}：{error.strerror}"),
            advice=say("choose a folder with -o DIR", "请用 -o 指定可写的目录"),
        ) from None


def _show_request(prepared: Prepared, here: Settings, common: Common) -> None:
    from bailian.wire.headers import request_headers

    headers = {**request_headers(here, masked=True), "Content-Type": "application/json"}
    if prepared.model.mode == "task":
        headers["X-DashScope-Async"] = "enable"
    write_json(
        {
            "dry_run": True,
            "request": {
                "method": "POST",
                "url": here.base_url + prepared.model.route,
                "headers": headers,
                "body": prepared.body,
            },
            "cost": {"currency": "CNY", "estimate": prepared.estimate_cny},
            "notices": [vars(notice) for notice in prepared.notices],
        }
    )


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
        here.home.mkdir(parents=True, exist_ok=True)
        sandbox.start()
    except SandboxUnavailable as error:
        raise SetupError(str(error), advice=f"{sys.executable} -m pip install 'bailian-toolkit[sandbox]'") from None
    except (OSError, sqlite3.Error) as error:
        raise unusable(here.home, error) from None
    try:
        if not quiet:
            talk(
                say(
                    "sandbox: drawn on this machine; nothing is sent to Alibaba, nothing is paid",
                    "沙箱：图片在本机绘制，不会发送到阿里云，也不产生费用",
                )
            )
        yield settings.at(here, sandbox.base_url)
    finally:
        sandbox.stop()
