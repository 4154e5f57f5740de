"""Text to text: what is refused, what is sent, what it costs at most, and every shape in which answers come."""

from __future__ import annotations

import copy
import json
import sys
import unicodedata
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bailian.catalog import Catalog, load
from bailian.errors import InvalidRequest
from bailian.files import tokens
from bailian.modalities import Modality, modality_of
from bailian.modalities.text import text
from bailian.modalities.text.text_answers import Assembly, next_messages, text_of
from bailian.modalities.text.text_prices import cost_cny, prices_of
from bailian.modalities.text.text_turns import text_in
from bailian.service.sse import frames
from bailian.text import characters
from bailian.types import Prepared, StoredRequest, TextContext
from tests.support.setting import run_on

CATALOG: Catalog = load()
WRITING = [model for model in CATALOG.of_kind("text") if not model.unavailable and "ocr" not in model.abilities]
MODELS = [model.name for model in WRITING]
PRICED = [
    (model.name, region) for model in WRITING for region in model.regions if prices_of(CATALOG[model.name], region)
]
# The vendor's tokenizer takes these for one token each, wherever they stand.
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|extra_0|>", "<|extra_204|>")
# NFC writes these as more bytes than they came with.
GROWING = ("\u0344", "\u0958\u09dd", "\u0f76", "\u2adc", "\ufacf", "\U0001d160", "\U0001d1c0")

WHOLE = {
    "request_id": "r",
    "output": {
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "床前明月光"}}],
    },
    "usage": {"total_tokens": 47, "output_tokens": 39, "input_tokens": 8},
}
PLAIN = {
    "request_id": "r",
    "output": {"finish_reason": "stop", "text": "床前明月光"},
    "usage": {"total_tokens": 30, "output_tokens": 14, "input_tokens": 16},
}


def prepare(prompt: str = "写一首诗", region: str = "beijing", **own: Any) -> Prepared:
    return text.prepare({"prompt": prompt, **own}, CATALOG, region)


def kept(**own: Any) -> StoredRequest:
    """Return what the journal keeps, as another process reads it."""
    return StoredRequest.from_json(json.loads(json.dumps(prepare(**own).stored().to_json())), "text")


def parameters(**own: Any) -> dict[str, Any]:
    sent: dict[str, Any] = prepare(**own).body["parameters"]
    return sent


def notices(**own: Any) -> list[str]:
    return [notice.code for notice in prepare(**own).notices]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def said(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def ruled(content: Any) -> dict[str, Any]:
    return {"role": "system", "content": content}


@pytest.fixture
def no_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_tokenizer", lambda: None)


@pytest.fixture
def two_bytes_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tokenizer:
        def encode(self, words: str) -> list[int]:
            return [0] * (len(words.encode()) // 2)

    monkeypatch.setattr(tokens, "_tokenizer", Tokenizer)


# ── What is sent ──


def test_it_is_a_modality() -> None:
    module: Modality = modality_of("text")
    assert module.asked_prompt(prepare("你好").body) == "你好"
    assert all(callable(getattr(text, name)) for name in text.__all__)


def test_the_seeds_defaults_are_always_sent() -> None:
    assert prepare("你好").body == {
        "model": "qwen-plus",
        "input": {"messages": [user("你好")]},
        "parameters": {
            "result_format": "message",
            "max_tokens": 1500,
            "temperature": 1.0,
            "top_p": 0.8,
            "enable_thinking": False,
        },
    }


def test_every_parameter_reaches_the_body_under_the_services_name() -> None:
    own = {"top_k": 20, "seed": 7, "repetition_penalty": 1.05, "presence_penalty": -0.5, "stop": ["完", "。"]}
    assert (
        parameters(**own, max_tokens=9, temperature=0.7, top_p=0.95).items()
        >= {
            **own,
            "max_tokens": 9,
            "temperature": 0.7,
            "top_p": 0.95,
        }.items()
    )
    assert parameters(prompt="以 JSON 回答", json_object=True)["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize("name", MODELS)
def test_only_models_that_can_think_are_told_whether_to(name: str) -> None:
    assert ("enable_thinking" in parameters(model=name)) == CATALOG[name].thinking


def test_thinking_is_a_stream_whatever_was_asked() -> None:
    prepared = prepare(thinking=True, thinking_budget=500)
    assert prepared.stream
    assert (
        prepared.body["parameters"].items()
        >= {
            "enable_thinking": True,
            "thinking_budget": 500,
            "incremental_output": True,
        }.items()
    )


def test_a_stream_comes_in_increments() -> None:
    assert prepare(stream=True).stream
    assert parameters(stream=True)["incremental_output"] is True
    assert not prepare().stream


TALKS: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    ({"prompt": "你好", "system": "你是诗人"}, [ruled("你是诗人"), user("你好")]),
    (
        {"prompt": "再来一首", "messages": [user("写诗"), said("床前")]},
        [user("写诗"), said("床前"), user("再来一首")],
    ),
    (
        {"prompt": "二", "system": "新", "messages": [ruled("旧"), user("一"), said("壹")]},
        [ruled("新"), user("一"), said("壹"), user("二")],
    ),
    ({"prompt": "", "messages": [ruled("旧"), user("一")]}, [ruled("旧"), user("一")]),
    ({"prompt": None, "messages": [user("一")]}, [user("一")]),
]


@pytest.mark.parametrize(("values", "messages"), TALKS)
def test_the_conversation_that_is_sent(values: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    prepared = prepare(**values)
    assert prepared.body["input"] == {"messages": messages}
    assert text.asked_prompt(prepared.body) == prepared.request["prompt"] == messages[-1]["content"]


def test_the_next_question_follows_the_answer() -> None:
    body = prepare("写诗", system="你是诗人").body
    assert next_messages(body, PLAIN) == [ruled("你是诗人"), user("写诗"), said("床前明月光")]
    assert next_messages(body, {}) == [ruled("你是诗人"), user("写诗"), said("")]


def test_the_request_makes_the_same_body_again() -> None:
    prepared = prepare("你好", system="你是诗人", messages=[user("一"), said("壹")], temperature=0.3, stop=["完"])
    assert text.prepare(prepared.request, CATALOG, "beijing").body == prepared.body


def test_the_request_of_a_whole_conversation_makes_the_same_body_again() -> None:
    prepared = prepare("", messages=[user("你好")])
    assert text.prepare(prepared.request, CATALOG, "beijing").body == prepared.body


# ── What is refused ──

NAN = float("nan")
TAKEN: dict[str, list[float]] = {
    "max_tokens": [1, 32768],
    "temperature": [0, 1.99],
    "top_p": [0.001, 1],
    "top_k": [0, 100],
    "seed": [0, 2**31 - 1],
    "presence_penalty": [-2, 2],
    "repetition_penalty": [0.01, 2],
}
OUTSIDE: dict[str, list[Any]] = {
    "max_tokens": [0, 32769, 2**64, 1.5, "nine"],
    "temperature": [-0.01, 2.01, NAN, "one"],
    "top_p": [-0.01, 1.01, NAN],
    "top_k": [-1, 101],
    "seed": [-1, 2**31],
    "presence_penalty": [-2.01, 2.01, NAN],
    "repetition_penalty": [0, 2.01, NAN],
    "thinking_budget": [5],  # without thinking
    "prompt": ["", " \n", "a\0b", 5],
    "stop": ["完"],
    "messages": ["你好"],
    "model": ["qwen-plsu", "qwen-image"],
    "max_token": [5],
}


def pairs(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


@pytest.mark.parametrize(("name", "value"), pairs(TAKEN))
def test_the_ends_of_every_range_are_sent_as_given(name: str, value: float) -> None:
    assert parameters(**{name: value})[name] == value


@pytest.mark.parametrize(("model", "most"), [("qwen-plus", 32768), ("qwen-turbo", 16384), ("qwen-max", 8192)])
def test_an_answer_is_as_long_as_the_model_can(model: str, most: int) -> None:
    assert parameters(model=model, max_tokens=most)["max_tokens"] == most
    with pytest.raises(InvalidRequest, match=f"max_tokens: {most + 1} is not in 1 to {most}"):
        prepare(model=model, max_tokens=most + 1)


@pytest.mark.parametrize("budget", [1, 81920])
def test_the_ends_of_a_thought(budget: int) -> None:
    assert parameters(thinking=True, thinking_budget=budget)["thinking_budget"] == budget
    outside = budget - 1 if budget == 1 else budget + 1
    with pytest.raises(InvalidRequest, match=f"thinking_budget: {outside} is not in 1 to 81920"):
        prepare(thinking=True, thinking_budget=outside)


@pytest.mark.parametrize(
    ("name", "asked", "sent"),
    [("temperature", 2, 1.99), ("temperature", 1.995, 1.99), ("top_p", 0, 0.001), ("top_p", 0.0005, 0.001)],
)
def test_the_seeds_own_ends_are_adapted_and_said(name: str, asked: float, sent: float) -> None:
    assert parameters(**{name: asked})[name] == sent
    assert notices(**{name: asked}) == [f"{name}_adapted"]
    assert notices() == []


REFUSED: list[tuple[dict[str, Any], str]] = [
    *(({name: value}, name) for name, value in pairs(OUTSIDE)),
    ({"thinking": True, "model": "qwen-max"}, "thinking"),
    ({"thinking": True, "json_object": True, "prompt": "json"}, "json_object"),
    ({"json_object": True}, "json_object"),
    ({"messages": [said("壹")], "prompt": ""}, "prompt"),
    ({"messages": [user("一"), ruled("旧")]}, "messages[1]"),
    ({"messages": [user("")]}, "messages[0]"),
    ({"messages": [user([{"txt": "一"}])]}, "messages[0]"),
    ({"messages": [{"role": "tool", "content": "一"}]}, "messages[0]"),
    ({"messages": [{"role": "user"}]}, "messages[0]"),
    ({"messages": [{**said("床前"), "partial": True}]}, "messages[0]"),
]


@pytest.mark.parametrize(("values", "field"), REFUSED, ids=str)
def test_refused_before_a_byte_leaves(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        prepare(**values)
    assert [problem.field for problem in raised.value.problems] == [field]


def test_all_problems_are_told_at_once() -> None:
    values: dict[str, Any] = {
        "max_tokens": 0,
        "temperature": 3,
        "top_p": 2,
        "seed": -1,
        "thinking_budget": 5,
        "json_object": True,
    }
    with pytest.raises(InvalidRequest) as raised:
        prepare(**values)
    assert {problem.field for problem in raised.value.problems} == values.keys()


def test_a_region_without_the_model_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="model: qwen-long is offered in beijing, not in singapore"):
        prepare(model="qwen-long", region="singapore")


@pytest.mark.parametrize("values", [{"prompt": "半\ud83d"}, {"system": "半\ud83d"}, {"messages": [user("半\ud83d")]}])
def test_half_a_character_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        prepare(**values)


def test_half_a_character_is_refused_as_a_stop_word() -> None:
    with pytest.raises(InvalidRequest):
        prepare(stop=["半\ud83d"])


def test_a_retired_model_runs_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """qwen-max is in no notice of the vendor's: it lives."""
    run_on(date(2026, 11, 28), monkeypatch)
    assert notices(model="qwen-turbo") == ["model_retired"]
    assert notices(model="qwen-max") == []


# ── How long a question may be ──


@pytest.mark.usefixtures("two_bytes_a_token")
def test_a_question_is_counted_only_where_its_bytes_are_too_many() -> None:
    longest = 30_720 - tokens.TOKENS_A_MESSAGE  # of qwen-max
    prepare("a" * longest * 2, model="qwen-max")
    with pytest.raises(InvalidRequest, match=r"prompt: .*30,721 tokens, qwen-max reads at most 30,720"):
        prepare("a" * (longest + 1) * 2, model="qwen-max")


@pytest.mark.usefixtures("no_tokenizer")
def test_without_a_tokenizer_a_long_question_is_sent_with_a_notice() -> None:
    longest = 30_720 - tokens.TOKENS_A_MESSAGE
    assert "length_not_checked" not in notices(prompt="a" * longest, model="qwen-max")
    assert "length_not_checked" in notices(prompt="a" * (longest + 1), model="qwen-max")


# ── The service's own names, from a config file ──


@pytest.mark.parametrize(
    ("values", "ours"),
    [
        ({"prompt": "你好", "result_format": "message", "incremental_output": True}, {"prompt": "你好"}),
        ({"enable_thinking": True, "thinking_budget": 9}, {"thinking": True, "thinking_budget": 9}),
        ({"response_format": {"type": "json_object"}}, {"json_object": True}),
        ({"response_format": {"type": "text"}}, {"json_object": False}),
        ({"stop": "完"}, {"stop": ["完"]}),
        ({"stop": ["完", "。"]}, {"stop": ["完", "。"]}),
        ({"messages": [user("一")], "top_k": 5}, {"messages": [user("一")], "top_k": 5}),
    ],
)
def test_from_config(values: dict[str, Any], ours: dict[str, Any]) -> None:
    before = copy.deepcopy(values)
    assert text.from_config(values) == ours
    assert values == before


@pytest.mark.parametrize("value", ["json_object", None, {}, {"type": "json_schema"}, {"type": ["text"]}, ["text"]])
def test_other_response_formats_are_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="response_format: must be"):
        text.from_config({"prompt": "json", "response_format": value})


# ── What it costs ──


def cost(model: str, input_tokens: int, output_tokens: int, region: str = "beijing", **own: Any) -> float | None:
    return cost_cny(TextContext(prices=prices_of(CATALOG[model], region), **own), input_tokens, output_tokens)


@pytest.mark.parametrize(
    ("input_tokens", "thinking", "cny"),
    [
        (131_072, False, 131_072 * 0.0000008 + 0.002),
        (131_073, False, 131_073 * 0.0000024 + 0.020),
        (262_144, False, 262_144 * 0.0000024 + 0.020),
        (262_145, False, 262_145 * 0.0000048 + 0.048),
        (131_072, True, 131_072 * 0.0000008 + 0.008),
        (131_073, True, 131_073 * 0.0000024 + 0.024),
        (262_144, True, 262_144 * 0.0000024 + 0.024),
        (262_145, True, 262_145 * 0.0000048 + 0.064),
        (2_000_000, False, 2_000_000 * 0.0000048 + 0.048),
    ],
)
def test_the_questions_length_chooses_one_price_for_all(input_tokens: int, thinking: bool, cny: float) -> None:
    """qwen-plus at 128K and 256K, with a thousand tokens of answer."""
    assert cost("qwen-plus", input_tokens, 1000, thinking=thinking) == pytest.approx(cny, abs=1e-6)


def test_a_price_without_tiers() -> None:
    assert cost("qwen-turbo", 1000, 1000) == pytest.approx(0.0009)
    assert cost("qwen-turbo", 1000, 1000, thinking=True) == pytest.approx(0.0033)
    assert cost("qwen-max", 1000, 1000, thinking=True) == pytest.approx(0.012)  # no price of its own for thoughts


def test_singapore_has_its_own_price() -> None:
    assert cost("qwen-plus", 1000, 1000, "singapore") == pytest.approx(0.011743)
    assert cost("qwen-plus", 1000, 1000, "singapore", thinking=True) == pytest.approx(0.032293)


def test_singapores_price_above_256k_is_not_told_too_low() -> None:
    told = cost("qwen-plus", 300_000, 1000, "singapore")
    assert told is None or told >= 300 * 0.008807 + 0.026421


def test_an_unknown_price_is_no_price() -> None:
    unknown = prepare(model="qwen-turbo", region="singapore")
    assert unknown.estimate_cny is None
    assert text.charged_cny(WHOLE, unknown.stored()) is None
    assert text.charged_cny(WHOLE, StoredRequest()) is None


def test_the_estimate_is_the_longest_answer_to_the_longest_reading() -> None:
    inside = len("你好".encode()) + tokens.TOKENS_A_MESSAGE
    assert prepare("你好").estimate_cny == cost("qwen-plus", inside, 1500)
    thought: dict[str, Any] = {"thinking": True, "max_tokens": 100}
    assert prepare("你好", **thought).estimate_cny == cost("qwen-plus", inside, 82_020, thinking=True)
    assert prepare("你好", **thought, thinking_budget=50).estimate_cny == cost("qwen-plus", inside, 150, thinking=True)


@pytest.mark.usefixtures("two_bytes_a_token")
def test_the_exact_cost_counts_the_question() -> None:
    refined = text.refine_estimate(prepare("一二三四", system="五六"))  # 18 bytes
    assert refined.estimate_cny == cost("qwen-plus", 9 + 2 * tokens.TOKENS_A_MESSAGE, 1500)
    assert refined.body == prepare("一二三四", system="五六").body
    thinking = text.refine_estimate(prepare("一二", thinking=True, max_tokens=100, thinking_budget=50))
    assert thinking.estimate_cny == cost("qwen-plus", 3 + tokens.TOKENS_A_MESSAGE, 150, thinking=True)


@pytest.mark.usefixtures("no_tokenizer")
def test_without_a_tokenizer_the_estimate_stays() -> None:
    assert text.refine_estimate(prepare()) == prepare()


@given(
    st.sampled_from(PRICED),
    st.booleans(),
    st.tuples(st.integers(0, 1_100_000), st.integers(0, 1_100_000)),
    st.tuples(st.integers(0, 200_000), st.integers(0, 200_000)),
)
def test_more_tokens_never_cost_less(
    where: tuple[str, str], thinking: bool, inside: tuple[int, int], outside: tuple[int, int]
) -> None:
    less, more = (cost(where[0], f(inside), f(outside), where[1], thinking=thinking) for f in (min, max))
    assert less is not None
    assert more is not None
    assert 0 <= less <= more


SENDABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: not characters.is_blank(text)
)


@given(st.data(), st.sampled_from(PRICED), SENDABLE, st.just("") | SENDABLE, st.booleans())
def test_no_answer_within_the_limits_costs_more_than_the_estimate(
    data: st.DataObject, where: tuple[str, str], prompt: str, system: str, thinking: bool
) -> None:
    model, region = CATALOG[where[0]], where[1]
    own: dict[str, Any] = {"max_tokens": data.draw(st.integers(1, model.max_output_tokens or 9)), "system": system}
    longest = own["max_tokens"]
    if thinking and model.thinking:
        budgets = st.integers(1, text.LONGEST_THOUGHT_TOKENS) if model.thinking_budget else st.nothing()
        budget = data.draw(st.none() | budgets)
        own |= {"thinking": True, "thinking_budget": budget}
        longest += budget or text.LONGEST_THOUGHT_TOKENS
    prepared = prepare(prompt, region, model=model.name, **own)
    messages = prepared.body["input"]["messages"]
    most = sum(len((text_in(message["content"]) or "").encode()) + tokens.TOKENS_A_MESSAGE for message in messages)
    usage = {"input_tokens": data.draw(st.integers(0, most)), "output_tokens": data.draw(st.integers(0, longest))}
    charged = text.charged_cny({"usage": usage}, prepared.stored())
    assert charged is not None
    assert prepared.estimate_cny is not None
    assert charged <= prepared.estimate_cny


# ── The vendor's tokenizer ──


@pytest.fixture(scope="module")
def tokenizer() -> None:
    if tokens.count_tokens("") is None:
        pytest.skip("the extra `tokens` is not installed")


@pytest.mark.slow
@pytest.mark.usefixtures("tokenizer")
@given(st.lists(st.text() | st.sampled_from(SPECIAL)).map("".join))
def test_no_text_has_more_tokens_than_its_ceiling(words: str) -> None:
    """Of the texts that the tokenizer does not lengthen first: it writes them in NFC."""
    assume(len(unicodedata.normalize("NFC", words).encode()) <= len(words.encode()))
    assert 0 <= (tokens.count_tokens(words) or 0) <= tokens.ceiling(words)


@pytest.mark.slow
@pytest.mark.usefixtures("tokenizer")
@pytest.mark.parametrize("words", GROWING)
def test_no_text_has_more_tokens_than_its_ceiling_in_nfc(words: str) -> None:
    assert (tokens.count_tokens(words) or 0) <= tokens.ceiling(words)


@pytest.mark.slow
@pytest.mark.usefixtures("tokenizer")
def test_what_looks_special_is_one_token() -> None:
    """So a text that quotes such marks may be billed for more than `exact` counts: whether it is, no page says."""
    assert [tokens.count_tokens(mark) for mark in SPECIAL] == [1] * len(SPECIAL)
    assert tokens.count_tokens("你好") == 1


def test_without_the_sdk_there_is_no_exact_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dashscope.tokenizers", None)
    assert tokens._tokenizer.__wrapped__() is None


# ── Answers that came whole ──


@pytest.mark.parametrize("answer", [WHOLE, PLAIN])
def test_both_shapes_are_read_and_shown_in_message_form(answer: dict[str, Any]) -> None:
    before = copy.deepcopy(answer)
    (item,) = text.items(answer, kept())
    assert (item.index, item.text, item.suffix, item.good) == (0, "床前明月光", "txt", True)
    shown = text.with_paths(answer, kept(), {0: "诗.txt"})
    assert shown["choices"][0]["message"] == said("床前明月光")
    assert shown["choices"][0]["finish_reason"] == "stop"
    assert shown["path"] == "诗.txt"
    assert "text" not in shown
    assert "path" not in text.with_paths(answer, kept(), {})
    assert answer == before


def test_a_json_answer_is_a_json_file() -> None:
    (item,) = text.items(WHOLE, kept(prompt="以 JSON 回答", json_object=True))
    assert item.suffix == "json"


def test_an_empty_answer_is_an_answer() -> None:
    (item,) = text.items({"output": {"text": ""}}, kept())
    assert item.good


ODD: list[Any] = [
    {},
    {"output": None},
    {"output": []},
    {"output": {}},
    {"output": {"text": None}},
    {"output": {"text": 5}},
    {"output": {"choices": []}},
    {"output": {"choices": [None]}},
    {"output": {"choices": {"0": "床前"}}},
    {"output": {"choices": [{"message": "床前"}]}},
]


@pytest.mark.parametrize("answer", ODD, ids=str)
def test_an_answer_without_a_text_has_no_result(answer: dict[str, Any]) -> None:
    assert text.items(answer, kept()) == []
    assert text_of(answer) is None


def test_a_text_beside_null_choices_is_shown_in_message_form() -> None:
    answer = {"output": {"choices": None, "finish_reason": "stop", "text": "床前明月光"}}
    assert text.items(answer, kept())[0].text == "床前明月光"
    assert text.with_paths(answer, kept(), {})["choices"][0]["message"]["content"] == "床前明月光"


def test_an_answer_that_was_cut_says_so() -> None:
    long = {"output": {"choices": [{"finish_reason": "length", "message": said("床前")}]}}
    plain = {"output": {"finish_reason": "length", "text": "床前"}}
    for answer in (long, plain):
        (remark,) = text.answer_notices(answer, kept(max_tokens=7))
        assert remark.code == "cut_at_max_tokens"
        assert "7" in remark.message
    assert text.answer_notices(WHOLE, kept()) == text.answer_notices(PLAIN, kept()) == []


def test_the_charge_is_of_the_tokens_used() -> None:
    assert text.charged_cny(WHOLE, kept()) == cost("qwen-plus", 8, 39)
    assert text.charged_cny(WHOLE, kept(thinking=True)) == cost("qwen-plus", 8, 39, thinking=True)
    assert text.charged_cny(WHOLE, kept(region="singapore")) == cost("qwen-plus", 8, 39, "singapore")


@pytest.mark.parametrize("usage", [None, [], {}, {"input_tokens": 8}, {"input_tokens": 8, "output_tokens": "39"}])
def test_a_usage_that_tells_too_little_is_no_charge(usage: Any) -> None:
    assert text.charged_cny({**WHOLE, "usage": usage}, kept()) is None


@pytest.mark.parametrize("count", [-5, True, 10**400])
def test_a_nonsensical_count_is_no_charge(count: int) -> None:
    assert text.charged_cny({"usage": {"input_tokens": count, "output_tokens": 39}}, kept()) is None


@pytest.mark.parametrize(
    "output",
    [{"choices": [{"message": {"role": "assistant", "content": None}}]}, {"text": None}],
    ids=["message", "text"],
)
def test_an_answer_that_was_billed_and_says_nothing_is_empty(output: dict[str, Any]) -> None:
    """Asking again would be billed again."""
    (item,) = text.items({"output": output, "usage": {"input_tokens": 8, "output_tokens": 0}}, kept())
    assert item.text == ""
    assert text.items({"output": output}, kept()) == []
    assert text.items({"output": {}, "usage": {"input_tokens": 8}}, kept()) == []


NAMES = st.sampled_from(
    ["output", "choices", "message", "content", "text", "finish_reason", "usage", "input_tokens", "reasoning_content"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["null", "stop", "length"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)
CHOICE = st.fixed_dictionaries({}, optional={"message": JSON, "finish_reason": JSON})
OUTPUT = st.fixed_dictionaries({}, optional={"choices": st.lists(CHOICE | JSON) | JSON, "text": JSON})
USAGE = st.fixed_dictionaries({}, optional={"input_tokens": JSON, "output_tokens": JSON})
ANSWER = st.dictionaries(NAMES, JSON) | st.fixed_dictionaries(
    {}, optional={"request_id": JSON, "output": OUTPUT | JSON, "usage": USAGE | JSON}
)


@pytest.mark.slow
@given(ANSWER, st.sampled_from([kept(), kept(model="qwen-turbo", region="singapore"), kept(thinking=True)]))
def test_no_answer_is_too_odd_to_read(answer: dict[str, Any], prepared: StoredRequest) -> None:
    for item in text.items(answer, prepared):
        assert item.text == (text_of(answer) or "")
    charged = text.charged_cny(answer, prepared)
    assert charged is None or isinstance(charged, float)
    told = {remark.code for remark in text.answer_notices(answer, prepared)}
    assert told <= {"cut_at_max_tokens", "empty_answer"}
    assert text.with_paths(answer, prepared, {0: "诗.txt"})["path"] == "诗.txt"
    assert isinstance(next_messages({"input": {"messages": []}}, answer)[0]["content"], str)


# ── Answers that come in pieces ──


def on_chunk(content: Any, reason: Any = "null", **own: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **own}
    return {"output": {"choices": [{"finish_reason": reason, "message": message}]}, "request_id": "r"}


def plain_piece(content: Any, reason: Any = "null") -> dict[str, Any]:
    return {"output": {"text": content, "finish_reason": reason}, "request_id": "r"}


def streamed(pieces: list[dict[str, Any]], blank_lines: bool = True) -> bytes:
    ends = "\n\n" if blank_lines else "\n"
    return "".join(
        f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:{json.dumps(one, ensure_ascii=False)}{ends}"
        for number, one in enumerate(pieces, 1)
    ).encode()


@given(
    st.lists(st.tuples(st.text(), st.text())),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 3000)),
)
def test_a_stream_is_its_text_however_it_is_divided(
    pieces: list[tuple[str, str]], plain: bool, blank_lines: bool, cuts: list[int]
) -> None:
    sent = [plain_piece(said) if plain else on_chunk(said, reasoning_content=thought) for said, thought in pieces]
    content = streamed([*sent, plain_piece("", "stop") if plain else on_chunk("", "stop")], blank_lines)
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    chunks = [content[begin:end] for begin, end in pairwise(places)]
    assembly = Assembly()
    shown = [assembly.add(json.loads(frame.data)) for frame in frames(chunks)]
    answer = assembly.answer()
    message = answer["output"]["choices"][0]["message"]
    whole, thoughts = ("".join(words) for words in zip(*pieces, strict=True)) if pieces else ("", "")
    assert "".join(words for words, _ in shown) == message["content"] == text_of(answer) == whole
    assert (
        "".join(thought for _, thought in shown) == message.get("reasoning_content", "") == ("" if plain else thoughts)
    )
    assert assembly.finished
    assert assembly.began == bool(whole or message.get("reasoning_content"))
    assert [item.text for item in text.items(answer, kept())] == [whole]


def test_a_stream_is_read_as_an_answer_that_came_whole() -> None:
    assembly = Assembly()
    usages = [{"input_tokens": 8, "output_tokens": count} for count in (1, 20, 39)]
    ends = ["null", "null", "stop"]
    for content, usage, end in zip(["床前", "明月", "光"], usages, ends, strict=True):
        assembly.add({**on_chunk(content, end), "usage": usage})
    assert assembly.answer() == {**WHOLE, "usage": usages[-1]}
    assert text.charged_cny(assembly.answer(), kept()) == text.charged_cny(WHOLE, kept())


def test_thoughts_are_kept_apart() -> None:
    assembly = Assembly()
    assert assembly.add(on_chunk("", reasoning_content="想一想")) == ("", "想一想")
    assert assembly.began
    assert assembly.add(on_chunk("答", "stop")) == ("答", "")
    assert assembly.answer()["output"]["choices"][0]["message"] == {**said("答"), "reasoning_content": "想一想"}
    assert [item.text for item in text.items(assembly.answer(), kept())] == ["答"]


@pytest.mark.parametrize("reason", ["null", None, 5])
def test_a_stream_is_not_over_before_it_says_so(reason: Any) -> None:
    assembly = Assembly()
    assembly.add(on_chunk("床前", reason))
    assert (assembly.began, assembly.finished) == (True, False)
    assembly.add(on_chunk("", "length"))
    assembly.add({"usage": {"input_tokens": 1, "output_tokens": 1}})  # more may come: it stays over
    assert assembly.finished
    assert text.answer_notices(assembly.answer(), kept())[0].code == "cut_at_max_tokens"


def test_nothing_came() -> None:
    assembly = Assembly()
    assert (assembly.began, assembly.finished) == (False, False)
    assert assembly.answer()["request_id"] is None
    assert "usage" not in assembly.answer()
    assembly.add(on_chunk(""))
    assert not assembly.began


@pytest.mark.slow
@given(st.lists(ANSWER))
def test_no_frame_is_too_odd_to_add(pieces: list[dict[str, Any]]) -> None:
    assembly = Assembly()
    added = [assembly.add(one) for one in pieces]
    answer = assembly.answer()
    assert text_of(answer) == "".join(words for words, _ in added)
    assert answer["output"]["choices"][0]["message"].get("reasoning_content", "") == "".join(t for _, t in added)
    assert assembly.finished == isinstance(answer["output"]["choices"][0]["finish_reason"], str)


@pytest.mark.parametrize("count", [None, float("nan"), float("inf"), 1.5, "8"])
def test_a_figure_of_another_type_is_no_charge(count: object) -> None:
    """8.0 is 8; what is no whole number is none."""
    assert text.charged_cny({"usage": {"input_tokens": count, "output_tokens": 39}}, kept()) is None
    whole = text.charged_cny({"usage": {"input_tokens": 8.0, "output_tokens": 39}}, kept())
    assert whole == text.charged_cny(WHOLE, kept())
