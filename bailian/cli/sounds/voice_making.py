"""audio.py voices own: the account's own voices, made of a recording or of words, listed and deleted."""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.catalog import Catalog, Model, catalog
from bailian.cli.output.question import confirmed
from bailian.cli.output.terminal import is_terminal, print_data, print_err, print_json
from bailian.clock import current_clock
from bailian.config.settings import Settings
from bailian.errors import InvalidRequest, MaybeSent, ServiceError, TaskFailed, TransportError
from bailian.files import naming, publishing
from bailian.i18n import tr
from bailian.modalities.audio import voice_enrollment as enrollment
from bailian.modalities.audio.speech_voices import voices_command
from bailian.modalities.rules import fields
from bailian.types.json_values import object_of, objects_of, text_of

if TYPE_CHECKING:
    from bailian.service.client import Service

MOST_PAGES = 100
READY, REJECTED = "OK", "UNDEPLOYED"
LOOKS, LOOK_S = 8, 1.0
"""How often, and how far apart, a new voice is asked whether it is ready (CLONE: mostly at once)."""


def list_own(here: Settings, as_json: bool) -> int:
    """Print the account's own voices, with their state."""
    from bailian.cli.output.columns import print_table

    with _asked(here) as service:
        rows = _own_voices(service)
    if as_json:
        print_json({"voices": rows})
    elif rows:
        names = {"voice": "voice_id", "state": "status", "made": "gmt_create"}
        print_table([{ours: text_of(row.get(theirs)) for ours, theirs in names.items()} for row in rows])
    else:
        print_err(tr("no voices of your own", "没有自己的音色"))
    return 0


def _own_voices(service: Service) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for page in range(MOST_PAGES):
        body = enrollment.request("list_voice", page_index=page, page_size=enrollment.PAGE_SIZE)
        found = objects_of(object_of(service.call(enrollment.ROUTE, body).get("output")).get("voice_list"))
        rows += found
        if len(found) < enrollment.PAGE_SIZE:
            break
    return rows


def clone(here: Settings, url: str, given: Mapping[str, Any], *, yes: bool, as_json: bool) -> int:
    """Make a voice of the recording at an address."""
    models = catalog.load(here.home)
    model = models.find(given["model"], "speech")
    found = enrollment.problems(model, "clone", given["name"], given["language"], models, here.region)
    fields.raise_if_any([*found, *enrollment.recording_problems(url)])
    body = enrollment.clone(model, given["name"], url, given["language"])
    _make(here, models, model, body, yes=yes, as_json=as_json)
    return 0


def design(here: Settings, prompt: str, given: Mapping[str, Any], *, yes: bool, as_json: bool) -> int:
    """Make a voice of words, and save how it sounds."""
    models = catalog.load(here.home)
    model = models.find(given["model"], "speech")
    found = enrollment.problems(model, "design", given["name"], given["language"], models, here.region)
    found += enrollment.design_problems(prompt, given["preview"])
    fields.raise_if_any([*found, *enrollment.preview_problems(given["output"])])
    body = enrollment.design(model, given["name"], prompt, given["preview"], given["language"])
    output = _make(here, models, model, body, yes=yes, as_json=as_json)
    sound = _decoded(text_of(object_of(output.get("preview_audio")).get("data")))
    if sound and given["output"]:
        target = Path(given["output"])
        aside = target.with_name(f".{target.name}.part")
        naming.made_folder(target.parent)
        aside.write_bytes(sound)
        print_err(tr("preview: ", "试听：") + str(publishing.publish(aside, target)))
    return 0


def delete(here: Settings, voice: str, *, yes: bool) -> int:
    """Delete a voice, which cannot be taken back."""
    if not _agreed(tr(f"delete {voice}?", f"删除 {voice}？"), yes=yes):
        print_err(tr("not deleted", "未删除"))
        return 0
    with _asked(here) as service:
        service.call(enrollment.ROUTE, enrollment.request("delete_voice", voice_id=voice))
    print_err(tr(f"deleted: {voice}", f"已删除：{voice}"))
    return 0


def _make(
    here: Settings, models: Catalog, model: Model, body: Mapping[str, Any], *, yes: bool, as_json: bool
) -> dict[str, Any]:
    """Say what it costs, ask, and send it once; return the answer's `output`."""
    here.require_key()
    per_text = f"{model.price_cny:g}" if isinstance(model.price_cny, int | float) else "?"
    print_err(
        tr(
            f"what a new voice costs is not published (UNVERIFIED); to speak with it: {per_text} CNY for 10,000 characters",
            f"新音色的价格未公布（UNVERIFIED）；使用该音色合成：{per_text} 元/万字符",
        )
    )
    if not _agreed(tr(f"make it for {model.name}?", f"为 {model.name} 创建？"), yes=yes):
        raise InvalidRequest.one("yes", tr("not made", "未创建"))
    with _asked(here) as service:
        _refuse_second(service, model, body)
        try:
            answer = service.call(enrollment.ROUTE, body)
        except MaybeSent as error:
            error.advice = tr(
                f"it may have been made: `{voices_command()} own list` shows it; run again, it is not made twice",
                f"音色可能已创建：可用 `{voices_command()} own list` 查看；再次运行不会重复创建",
            )
            raise
        output = object_of(answer.get("output"))
        voice = text_of(output.get("voice_id"))
        state = _state_when_made(service, voice)
    if state == REJECTED:
        raise _rejected(voice)
    if state != READY:
        print_err(
            tr(
                f"{voice} is being made: `{voices_command()} own list` says OK when it can speak",
                f"{voice} 正在创建：`{voices_command()} own list` 显示 OK 后即可使用",
            )
        )
    if as_json:
        print_json({"voice": voice, "model": model.name, "request_id": answer.get("request_id")})
    else:
        print_data(voice)
    return output


def _state_when_made(service: Service, voice: str) -> str:
    """Return a voice's state when it has one that stays, or after a few looks."""
    state, clock = "", current_clock()
    for _ in range(LOOKS):
        try:
            answer = service.call(enrollment.ROUTE, enrollment.request("query_voice", voice_id=voice))
        except (TransportError, ServiceError):  # it is made, whatever becomes of the question
            return state
        state = text_of(object_of(answer.get("output")).get("status"))
        if state in (READY, REJECTED):
            break
        clock.sleep(LOOK_S)
    return state


def _rejected(voice: str) -> TaskFailed:
    return TaskFailed(
        tr(f"the service has rejected the voice {voice}", f"服务端未通过音色 {voice}"),
        advice=tr(
            f"`{voices_command()} own delete {voice}` removes it; a recording of 10 to 15 s of one clear voice is wanted",
            f"可用 `{voices_command()} own delete {voice}` 删除；录音应为 10 到 15 秒、单人清晰的语音",
        ),
    )


def _refuse_second(service: Service, model: Model, body: Mapping[str, Any]) -> None:
    """A lost answer may have made it: a voice of this name is not made, and paid, again."""
    name = text_of(object_of(body.get("input")).get("prefix"))
    same = enrollment.same_name(model.name, name, _own_voices(service))
    if same is not None:
        raise InvalidRequest.one(
            "name",
            tr(f"{same} has this name already", f"{same} 已使用该名称"),
            advice=tr(
                f"speak with it: --voice {same}; or take another --name, or `{voices_command()} own delete {same}`",
                f"可直接使用：--voice {same}；或换一个 --name，或先 `{voices_command()} own delete {same}`",
            ),
        )


@contextmanager
def _asked(here: Settings) -> Iterator[Service]:
    from bailian.cli.chosen_service import service
    from bailian.service.client import Service

    here.require_key()
    with service(here, quiet=True) as there, closing(Service(there)) as asked:
        yield asked


def _agreed(question: str, *, yes: bool) -> bool:
    if yes:
        return True
    if not is_terminal(sys.stdin):
        raise InvalidRequest.one(
            "yes", tr("asks on a terminal, and there is none", "需要在终端中确认"), advice=tr("add --yes", "请加 --yes")
        )
    return confirmed(question)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""
