"""Each text model of today: its route, its body, its price; and what is refused of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from bailian.catalog import Catalog, load
from bailian.errors import InvalidRequest
from bailian.modalities.text import text
from bailian.modalities.text.sight import image_tokens
from bailian.modalities.text.text_answers import Assembly, answer_error, next_messages
from bailian.modalities.text.text_prices import is_peak
from bailian.types import Film, Input, Prepared, Probe, StoredRequest

pytestmark = pytest.mark.unit

CATALOG: Catalog = load()
TEXT = "/services/aigc/text-generation/generation"
MULTI = "/services/aigc/multimodal-generation/generation"
PICTURE = "https://example.com/a.png"
BEIJING = timezone(timedelta(hours=8))

# Name → route, what `enable_thinking` says unasked (None: not sent), CNY a million tokens in and out.
TODAY: dict[str, tuple[str, bool | None, float, float]] = {
    "qwen-plus": (TEXT, False, 0.8, 2),
    "qwen-flash": (TEXT, False, 0.15, 1.5),
    "qwen-max": (TEXT, None, 2.4, 9.6),
    "qwen-long": (TEXT, None, 0.5, 2),
    "qwen3.7-max": (TEXT, False, 12, 36),
    "qwen3.8-max": (MULTI, False, 12, 36),
    "qwen3.8-max-0902": (MULTI, False, 12, 36),
    "qwen3.8-flash": (MULTI, False, 0.8, 2.7),
    "qwen3.8-27b": (MULTI, False, 3, 12),
    "qwen3.7-plus": (MULTI, False, 2, 8),
    "qwen3.7-flash": (MULTI, False, 0.2, 0.8),
    "qwen3.6-plus": (MULTI, False, 2, 12),
    "qwen3.6-flash": (MULTI, False, 1.2, 7.2),
    "qwen3.5-plus": (MULTI, False, 0.8, 4.8),
    "qwen3.5-flash": (MULTI, False, 0.2, 2),
    "qwen3-vl-plus": (MULTI, False, 1, 10),
    "kimi-k2.6": (MULTI, False, 6.5, 27),
    "kimi-k2.7-code": (MULTI, True, 6.5, 27),
    "deepseek-v4-flash": (TEXT, False, 1, 2),
    "deepseek-v4-flash-0731": (TEXT, False, 3, 9),
    "deepseek-v4-pro": (TEXT, False, 12, 24),
    "deepseek-v4-pro-0813": (TEXT, False, 9, 27),
    "glm-5.1": (TEXT, False, 6, 24),
    "glm-5.2": (TEXT, False, 8, 28),
    "glm-5.3": (TEXT, True, 8, 28),
    "MiniMax-M2.5": (TEXT, True, 2.1, 8.4),
}


def prepare(prompt: str = "你好", inputs: dict[str, Input] | None = None, **own: Any) -> Prepared:
    return text.prepare({"prompt": prompt, **own}, CATALOG, "beijing", inputs)


def refusals(**own: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        prepare(**own)
    return [problem.field for problem in refused.value.problems]


def answered(content: Any, **beside: Any) -> dict[str, Any]:
    """An answer as the multimodal route gives it."""
    choice = {"finish_reason": beside.pop("reason", "stop"), "message": {"role": "assistant", "content": content}}
    return {"request_id": "r", "output": {"choices": [choice], **beside.pop("output", {})}, **beside}


def test_every_living_model_is_in_the_table() -> None:
    living = {model.name for model in CATALOG.of_kind("text") if not model.retired_on and not model.unavailable}
    assert living == {*TODAY, "qwen-plus-latest", "qwen-vl-ocr", "qwen3.5-ocr"}


@pytest.mark.parametrize("name", TODAY)
def test_each_model_gets_the_body_of_its_route(name: str) -> None:
    route, thinks, input_cny, output_cny = TODAY[name]
    prepared = prepare(model=name, system="短")
    assert prepared.model.route == route
    parameters = dict(prepared.body["parameters"])
    assert parameters.pop("enable_thinking", None) is thinks
    assert parameters.pop("incremental_output", False) == prepared.stream == bool(thinks)
    assert parameters.pop("result_format", None) == ("message" if route == TEXT else None)
    assert parameters == {"max_tokens": 1500, "temperature": 1.0, "top_p": 0.8}
    said = [message["content"] for message in prepared.body["input"]["messages"]]
    assert said == (["短", "你好"] if route == TEXT else [[{"text": "短"}], [{"text": "你好"}]])
    assert [notice.code for notice in prepared.notices] == (["always_thinks"] if thinks else [])
    usage = {"input_tokens": 10_000, "output_tokens": 1000}
    billed = text.charged_cny({"usage": usage}, prepared.stored())
    assert billed == pytest.approx((10 * input_cny + output_cny) / 1000)


@pytest.mark.parametrize("name", ["qwen-vl-ocr", "qwen3.5-ocr"])
def test_reading_models_look_at_a_picture(name: str) -> None:
    body = prepare("", model=name, image=[PICTURE], ocr="table").body
    picture = {"image": PICTURE, "min_pixels": 3072, "max_pixels": 8388608, "enable_rotate": False}
    assert body["input"]["messages"] == [{"role": "user", "content": [picture]}]
    longest = CATALOG[name].max_output_tokens
    assert body["parameters"] == {"max_tokens": longest, "ocr_options": {"task": "table_parsing"}}


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ({}, "qwen-plus"),
        ({"search": True}, "qwen-plus"),
        ({"prefix": "从前"}, "qwen-plus"),
        ({"image": [PICTURE]}, "qwen3.7-plus"),
        ({"video": ["https://example.com/a.mp4"]}, "qwen3.7-plus"),
        ({"json_schema": {"type": "object"}}, "qwen3.7-plus"),
        ({"prompt": "", "ocr": "text", "image": [PICTURE]}, "qwen-vl-ocr"),
    ],
)
def test_the_default_is_the_first_that_can(own: dict[str, Any], name: str) -> None:
    assert prepare(**own).wire_model == name


@pytest.mark.parametrize(
    ("own", "fields"),
    [
        ({"model": "kimi/kimi-k3"}, ["model"]),
        ({"model": "deepseek-v4.1-flash"}, ["model"]),
        ({"model": "maker/of-tomorrow"}, ["model"]),
        ({"model": "kimi-k3"}, ["model"]),
        ({"model": "qwen3-omni-flash"}, ["model"]),
        ({"model": "qwen-omni-turbo"}, ["model"]),
        ({"model": "deepseek-v4-flash", "thinking": True, "thinking_budget": 100}, ["thinking_budget"]),
        ({"model": "deepseek-v4-of-tomorrow", "thinking": True, "thinking_budget": 100}, ["thinking_budget"]),
        ({"model": "MiniMax-M2.5", "thinking_budget": 100}, ["thinking_budget"]),
        ({"model": "qwen3.8-2.4t-a95b", "thinking": False}, ["thinking"]),
        ({"image": [PICTURE], "image_max_tokens": 0}, ["image_max_tokens"]),
        ({"image": [PICTURE], "image_max_tokens": 1}, ["image_max_tokens"]),
        ({"model": "qwen-pluss"}, ["model"]),
        ({"model": "glm-5.3", "thinking": False}, ["thinking"]),
        ({"model": "qwen-plus", "image": [PICTURE]}, ["image"]),
        ({"model": "qwen-plus", "video": ["https://example.com/a.mp4"]}, ["video"]),
        ({"model": "qwen-vl-ocr", "image": [PICTURE], "video": ["https://example.com/a.mp4"]}, ["video"]),
        ({"model": "qwen-vl-ocr", "image": [PICTURE, PICTURE]}, ["image"]),
        ({"model": "qwen-vl-ocr"}, ["image"]),
        ({"image": [PICTURE], "image_max_tokens": 65}, ["image_max_tokens"]),
        ({"image_max_tokens": 500}, ["image_max_tokens"]),
        ({"model": "qwen3.6-plus", "json_schema": {"type": "object"}}, ["json_schema"]),
        ({"json_schema": {"type": 5}}, ["json_schema"]),
        ({"json_schema": {"$ref": "https://example.com/x.json"}}, ["json_schema"]),
        ({"json_schema": {"type": "object"}, "json_object": True, "prompt": "json"}, ["json_object"]),
        ({"model": "qwen3.6-plus", "json_object": True, "thinking": True, "prompt": "json"}, ["json_object"]),
        ({"model": "glm-5.2", "search": True}, ["search"]),
        ({"model": "glm-5.2", "prefix": "从前"}, ["prefix"]),
        ({"prefix": "从前", "thinking": True}, ["prefix"]),
        ({"ocr_schema": {"a": ""}}, ["schema"]),
        ({"prompt": "", "ocr": "words", "image": [PICTURE]}, ["ocr"]),
        ({"prompt": "", "ocr": "fields", "image": [PICTURE]}, ["schema"]),
        ({"prompt": "", "ocr": "text", "image": [PICTURE], "ocr_schema": {"a": ""}}, ["schema"]),
        ({"prompt": "", "ocr": "fields", "image": [PICTURE], "ocr_schema": {"a": {"b": {"c": {"d": ""}}}}}, ["schema"]),
        ({"prompt": "读", "ocr": "text", "image": [PICTURE]}, ["prompt"]),
        ({"prompt": "", "ocr": "text"}, ["image"]),
        ({"model": "qwen3.7-plus", "prompt": "", "ocr": "text", "image": [PICTURE]}, ["ocr"]),
        ({"image": [PICTURE], "prompt": ""}, ["prompt"]),
    ],
    ids=str,
)
def test_refused_with_the_models_that_can(own: dict[str, Any], fields: list[str]) -> None:
    assert refusals(**own) == fields


@pytest.mark.parametrize("name", ["qwen-plus", "deepseek-v4-flash", "glm-of-tomorrow"])
@pytest.mark.parametrize("most", [None, 0, 1, 500])
def test_a_picture_of_this_machine_is_refused_where_nothing_sees(name: str, most: int | None) -> None:
    seen = {"file:///a": Input("file:///a", Probe("PNG", 640, 480, 1000))}
    with pytest.raises(InvalidRequest, match=r"takes no pictures; qwen3\.7-plus"):
        prepare(inputs=seen, model=name, image=["file:///a"], image_max_tokens=most)


def test_what_only_reads_pictures_is_not_named_for_films() -> None:
    with pytest.raises(InvalidRequest, match=r"takes no films; qwen3\.7-plus") as refused:
        prepare(model="qwen-vl-ocr", image=[PICTURE], video=["https://example.com/a.mp4"])
    assert "qwen3.5-ocr" not in str(refused.value)


@pytest.mark.parametrize(("name", "most"), [("qwen3.7-plus", 2048), ("qwen3.7-flash", 256)])
def test_as_many_pictures_as_the_model_takes(name: str, most: int) -> None:
    assert len(prepare(model=name, image=[PICTURE] * most, image_max_tokens=66).body["input"]["messages"]) == 1
    assert refusals(model=name, image=[PICTURE] * (most + 1), image_max_tokens=66) == ["image"]


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("qwen3.9-max", MULTI),
        ("qwen4-plus", MULTI),
        ("qwen-plus-2025-12-01", TEXT),
        ("deepseek-v5", TEXT),
        ("glm-6", TEXT),
        ("kimi-k4", MULTI),
    ],
)
def test_a_model_of_tomorrow_is_sent_where_it_likely_is_and_has_no_price(name: str, route: str) -> None:
    prepared = prepare(model=name)
    assert (prepared.model.route, prepared.wire_model) == (route, name)
    assert [notice.code for notice in prepared.notices] == ["unknown_model"]
    assert prepared.estimate_cny is None, "so a budget refuses it"


@pytest.mark.parametrize(
    ("name", "thinks"),
    [
        ("glm-5", False),
        ("deepseek-v4-of-tomorrow", False),
        ("qwen-plus-2025-12-01", False),
        ("MiniMax-M3", True),
        ("qwen3.8-2.4t-a95b", True),
        ("deepseek-v5", None),
    ],
)
def test_a_name_nobody_knows_is_told_whether_to_think_as_its_line_is(name: str, thinks: bool | None) -> None:
    prepared = prepare(model=name)
    assert prepared.body["parameters"].get("enable_thinking") is thinks
    assert ("always_thinks" in [notice.code for notice in prepared.notices]) == bool(thinks)
    if thinks is not None:
        assert prepare(model=name, thinking=True).body["parameters"]["enable_thinking"] is True


# ── Pictures and films ──


@pytest.mark.parametrize(
    ("sides", "most_px", "tokens"),
    [
        ((1024, 1024), 2_621_440, 1026),
        ((1000, 500), 2_621_440, 31 * 16 + 2),
        ((8000, 6000), 2_621_440, 58 * 43 + 2),
        ((20, 20), 2_621_440, 66),
        (None, 2_621_440, 2562),
    ],
)
def test_what_a_picture_costs(sides: tuple[int, int] | None, most_px: int, tokens: int) -> None:
    probe = None if sides is None else Probe("PNG", *sides, 1000)
    assert image_tokens(probe, 65_536, most_px) == tokens


@pytest.mark.parametrize("most", [66, 500, 2562, 16_384])
@pytest.mark.parametrize("sides", [(64, 1100), (640, 480), (7680, 4320), (9000, 100)])
def test_no_picture_costs_more_than_it_may(most: int, sides: tuple[int, int]) -> None:
    body = prepare(image=[PICTURE], image_max_tokens=most).body
    (picture, _) = body["input"]["messages"][0]["content"]
    assert picture == {"image": PICTURE, "max_pixels": (most - 2) * 1024}
    assert image_tokens(Probe("PNG", *sides, 1), min(65_536, (most - 2) * 1024), (most - 2) * 1024) <= most


@pytest.mark.parametrize(
    ("probe", "says"),
    [
        (Probe("PNG", 10, 100, 1), "each side must be 11"),
        (Probe("PNG", 3000, 14, 1), "width / height"),
        (Probe("PNG", 100, 100, 20_000_001), "at most 20.0"),
        (Probe("WEBP", 4000, 2200, 1), r"WEBP is taken up to 4K .*; JPEG, PNG: 8K"),
        (Probe("JPEG", 7700, 4400, 1), r"JPEG is taken up to 8K \([0-9,]+ pixels\)$"),
    ],
    ids=str,
)
def test_pictures_that_the_service_would_refuse(probe: Probe, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        prepare(inputs={"file:///a": Input("file:///a", probe)}, image=["file:///a"])


@pytest.mark.parametrize(("seconds", "fits"), [(1.9, False), (2, True), (7200, True), (7201, False)])
def test_films_are_as_long_as_the_model_takes(seconds: float, fits: bool) -> None:
    given = {"file:///a": Input("file:///a", film=Film("mp4", 1000, 320, 240, seconds))}
    if fits:
        assert prepare(inputs=given, video=["file:///a"]).body["input"]["messages"][0]["content"][0]["fps"] == 2
        return
    with pytest.raises(InvalidRequest, match=r"video: lasts .* takes 2 to 7200 s"):
        prepare(inputs=given, video=["file:///a"])


def test_a_film_is_in_the_estimate_and_one_of_unknown_length_is_all_that_can_be_read() -> None:
    film = Input("file:///a", film=Film("mp4", 1000, 320, 256, 10))
    known = prepare(inputs={"file:///a": film}, video=["file:///a"])
    assert known.estimate_cny == pytest.approx(((20 * 80 + 2 + 10) * 2 + 1500 * 8) / 1e6, rel=0.01)
    unknown = prepare("看", video=["https://example.com/a.mp4"], model="qwen3-vl-plus")
    assert [notice.code for notice in unknown.notices] == ["film_length_unknown"]
    assert unknown.context.media_tokens > 250_000  # type: ignore[attr-defined]


def test_many_or_large_pictures_go_by_upload() -> None:
    def sent(count: int, size_bytes: int) -> bool:
        urls = [f"file:///{number}" for number in range(count)]
        given = {url: Input(url, Probe("PNG", 100, 100, size_bytes)) for url in urls}
        return prepare(inputs=given, image=urls).upload

    assert not sent(2, 5_000_000)
    assert sent(3, 5_000_000), "together they are more than a body may be"
    assert sent(251, 10)


def test_a_picture_that_cannot_be_read_is_refused_once() -> None:
    """What stands in its place unseen is no fault of the message."""
    assert prepare(image=["missing.png"]).body["input"]["messages"][0]["content"][0] == {"image": "missing.png"}


# ── Answers ──


def kept(**own: Any) -> StoredRequest:
    return prepare(**own).stored()


@pytest.mark.parametrize(
    ("content", "says"),
    [("好", "好"), ([{"text": "好"}, {"text": "的"}], "好的"), ([], ""), ("", ""), ([{"image": "x"}], "")],
)
def test_a_content_is_a_text_or_a_list_empty_or_not(content: Any, says: str) -> None:
    (item,) = text.items(answered(content, usage={"input_tokens": 1}), kept())
    assert item.text == says
    shown = text.with_paths(answered(content), kept(), {})
    assert shown["choices"][0]["message"]["content"] == says


def test_pieces_of_lists_are_put_together() -> None:
    assembly = Assembly()
    frames = [[], [{"text": "床前"}], [{"text": "明月光"}]]
    said = [assembly.add({**answered(content, reason="null"), "usage": {"input_tokens": 1}}) for content in frames]
    assembly.add(answered([], output={"search_info": {"search_results": [{"title": "诗"}]}}))
    assert [piece for piece, _ in said] == ["", "床前", "明月光"]
    assert assembly.answer()["output"]["choices"][0]["message"]["content"] == "床前明月光"
    assert assembly.answer()["output"]["search_info"] == {"search_results": [{"title": "诗"}]}


@pytest.mark.parametrize(
    "part",
    [
        {"text": '```json\n{"total": "5"}\n```'},
        {"text": "x", "ocr_result": {"kv_result": {"total": "5"}}},
        {"text": '{"total": "5"}'},
    ],
)
def test_fields_are_json_without_the_fence(part: dict[str, Any]) -> None:
    request = kept(prompt="", ocr="fields", ocr_schema={"total": ""}, image=[PICTURE])
    (item,) = text.items(answered([part]), request)
    assert item.text.replace("\n ", "").replace("\n", "").replace(" ", "") == '{"total":"5"}'
    assert item.suffix == "json"


@pytest.mark.parametrize(
    ("what", "says", "read"),
    [
        ("table", "```html\n<table></table>\n```", "<table></table>"),
        ("document", "```latex\n\\section*{A}\n\nb\n```", "\\section*{A}\n\nb"),
        ("text", "a\nb", "a\nb"),
        ("text", "```\na\n``` and more", "```\na\n``` and more"),
    ],
)
def test_what_is_read_has_no_fence_around_it(what: str, says: str, read: str) -> None:
    (item,) = text.items(answered([{"text": says}]), kept(prompt="", ocr=what, image=[PICTURE]))
    assert (item.text, item.suffix) == (read, "txt")


def test_a_beginning_is_a_part_of_the_answer_and_of_the_conversation() -> None:
    prepared = prepare("写诗", prefix="床前", model="qwen3.7-plus")
    assert prepared.body["input"]["messages"][-1] == {
        "role": "assistant",
        "content": [{"text": "床前"}],
        "partial": True,
    }
    answer = answered([{"text": "明月光"}])
    assert text.items(answer, prepared.stored())[0].text == "床前明月光"
    assert next_messages(prepared.body, answer) == [
        {"role": "user", "content": "写诗"},
        {"role": "assistant", "content": "床前明月光"},
    ]
    assert prepared.request["prompt"] == "写诗"
    assert text.asked_prompt(prepared.body) == "写诗"


@pytest.mark.parametrize(("name", "goes_on"), [("qwen-plus", True), ("qwen3.8-max", True), ("glm-5.2", False)])
def test_a_cut_answer_names_the_command_that_goes_on(name: str, goes_on: bool) -> None:
    (notice,) = text.answer_notices(answered("半", reason="length"), kept(model=name))
    assert notice.code == "cut_at_max_tokens"
    assert ('go_on="r"' in notice.message) == goes_on


def test_a_conversation_with_a_picture_goes_on_where_pictures_are_seen() -> None:
    turns = next_messages(prepare(image=[PICTURE]).body, answered([{"text": "一只猫"}]))
    assert turns[0]["content"] == [{"image": PICTURE}, {"text": "你好"}]
    assert prepare("再看", messages=turns, model="qwen3.7-flash").body["input"]["messages"][:1] == [turns[0]]
    assert refusals(messages=turns, model="qwen-plus") == ["messages"]


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(
    ("says", "wrong"),
    [
        ('{"n": 5}', ""),
        ('{"n": "5"}', "n: '5' is not of type 'integer'"),
        ("{}", "'n' is a required"),
        ("五", "no JSON"),
    ],
)
def test_an_answer_that_does_not_fit_its_schema_is_told(says: str, wrong: str) -> None:
    request = kept(json_schema=SCHEMA)
    sent = request.parameters["response_format"]["json_schema"]
    assert sent == {"name": "answer", "schema": SCHEMA, "strict": True}
    error = answer_error(answered([{"text": says}]), request)
    assert (error is None) == (wrong == "")
    if error is not None:
        assert wrong in error.message
        assert error.exit_code == 4


@pytest.mark.parametrize(("says", "fits"), [("5}", True), ('"5"}', False), ("", False)])
def test_a_beginning_and_what_follows_fit_the_schema_together(says: str, fits: bool) -> None:
    request = kept(json_schema=SCHEMA, prefix='{"n": ')
    assert (answer_error(answered([{"text": says}]), request) is None) == fits


@pytest.mark.parametrize(("reason", "advice"), [("length", "--max-tokens"), ("stop", "describe the fields")])
def test_the_advice_for_a_cut_answer_is_more_room(reason: str, advice: str) -> None:
    error = answer_error(answered('{"n": ', reason=reason), kept(json_schema=SCHEMA))
    assert error is not None
    assert advice in error.advice


@pytest.mark.parametrize(
    ("part", "fits"),
    [
        ({"text": "```json\n{}\n```"}, True),
        ({"text": "{", "ocr_result": {"kv_result": {}}}, True),
        ({"text": "看不清"}, False),
        ({"text": ""}, False),
    ],
)
def test_fields_that_are_no_json_are_told(part: dict[str, Any], fits: bool) -> None:
    request = kept(prompt="", ocr="fields", ocr_schema={"金额": ""}, image=[PICTURE])
    assert (answer_error(answered([part]), request) is None) == fits


@pytest.mark.parametrize("content", ["", " \n", []])
def test_an_empty_answer_is_told(content: Any) -> None:
    assert [notice.code for notice in text.answer_notices(answered(content), kept())] == ["empty_answer"]


def test_without_the_extra_it_is_said_before_that_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bailian.modalities.text.text_rules.can_check", lambda: False)
    assert [notice.code for notice in prepare(json_schema=SCHEMA).notices] == ["schema_not_checked"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (answered("好", output={"search_info": {"search_results": [{"title": "诗", "url": "https://x"}]}}), "sources"),
        (answered("好", usage={"plugins": {"search": {"count": 1}}}), "sources"),
        (answered("好"), "not_searched"),
    ],
)
def test_sources_are_told_and_so_is_a_search_that_was_none(answer: dict[str, Any], code: str) -> None:
    (notice,) = text.answer_notices(answer, kept(search=True))
    assert notice.code == code


def test_a_search_streams_where_it_must_and_is_paid() -> None:
    assert prepare(search=True, model="qwen3.8-max").stream
    assert not prepare(search=True, model="qwen-plus").stream
    usage = {"input_tokens": 1000, "output_tokens": 0, "plugins": {"search": {"count": 2, "strategy": "turbo"}}}
    assert text.charged_cny({"usage": usage}, kept(search=True)) == pytest.approx(0.0008 + 2 * 0.003)


# ── Prices ──


@pytest.mark.parametrize(
    ("hour", "minute", "cny"), [(7, 59, 0.006), (8, 0, 0.012), (21, 59, 0.012), (22, 0, 0.006), (0, 0, 0.006)]
)
def test_a_call_at_night_costs_less_and_the_estimate_takes_the_day(hour: int, minute: int, cny: float) -> None:
    sent_at_s = datetime(2026, 11, 28, hour, minute, tzinfo=BEIJING).timestamp()
    prepared = prepare(model="deepseek-v4-flash-0731", max_tokens=1000)
    answer = {"usage": {"input_tokens": 1000, "output_tokens": 1000}}
    assert is_peak(sent_at_s) == (cny == 0.012)
    assert text.charged_at(answer, prepared.stored(), sent_at_s) == pytest.approx(cny)
    assert text.charged_cny(answer, prepared.stored()) == pytest.approx(0.012)
    assert prepared.estimate_cny is not None
    assert prepared.estimate_cny >= 0.009


def test_what_the_service_had_in_its_cache_costs_less() -> None:
    usage = {"input_tokens": 2000, "output_tokens": 0, "prompt_tokens_details": {"cached_tokens": 1000}}
    assert text.charged_cny({"usage": usage}, kept(model="qwen3.7-plus")) == pytest.approx(0.002 + 0.0004)
    assert text.charged_cny({"usage": usage}, kept(model="qwen-plus")) == pytest.approx(0.0016), "no price is known"


@pytest.mark.parametrize(
    ("tokens", "cny_a_million"), [(262_144, (2, 8)), (262_145, (6, 24))], ids=["first tier", "second tier"]
)
def test_the_input_picks_the_tier_for_all_tokens(tokens: int, cny_a_million: tuple[float, float]) -> None:
    usage = {"input_tokens": tokens, "output_tokens": 1000}
    billed = text.charged_cny({"usage": usage}, kept(model="qwen3.7-plus"))
    assert billed == pytest.approx((tokens * cny_a_million[0] + 1000 * cny_a_million[1]) / 1e6)


def test_what_is_kept_of_a_request_is_read_again() -> None:
    request = kept(model="deepseek-v4-pro-0813", search=True)
    assert StoredRequest.from_json(request.to_json(), "text").context == request.context
