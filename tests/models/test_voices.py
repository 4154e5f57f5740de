"""The stock voices: each belongs to a model that exists, and what cannot be called yet is neither listed nor sent."""

from __future__ import annotations

from collections import Counter

import pytest

from bailian.catalog import load
from bailian.catalog.model_rules import problem_of
from bailian.catalog.stock_voices import is_told_a_voice, stock_voices, voices_in
from bailian.errors import InvalidRequest
from bailian.sandbox.model_names import names_of, with_packaged
from bailian.selftest.models_diff import difference
from bailian.service.model_list import ListedModel

CATALOG = load()
EVERY = {**CATALOG, **CATALOG.not_callable}
VOICES = stock_voices(EVERY)


def test_each_voice_stands_once_a_model() -> None:
    pairs = [(voice.name, voice.model) for voice in VOICES]
    assert len(pairs) == len(set(pairs))
    assert {voice.model for voice in VOICES} <= set(EVERY)
    assert all(voice.languages and voice.description and voice.title for voice in VOICES)
    assert {voice.gender for voice in VOICES} == {"female", "male", ""}


def test_how_many_voices_each_model_has() -> None:
    found = Counter("sambert" if voice.model.startswith("sambert") else voice.model for voice in VOICES)
    assert found == {
        "sambert": 43, "cosyvoice-v2": 106, "cosyvoice-v3-flash": 87, "cosyvoice-v3-plus": 2, "qwen3-tts-flash": 48,
        "qwen3-tts-instruct-flash": 24,
        "qwen-audio-3.0-tts-flash": 12, "qwen-audio-3.0-tts-plus": 2, "qwen-audio-3.1-tts-flash": 68,
    }  # fmt: skip
    assert not [voice for voice in VOICES if voice.model.startswith("cosyvoice-v3.5")], "clones and designs only"


def test_a_voice_has_no_more_abilities_than_its_model() -> None:
    for voice in VOICES:
        model = EVERY[voice.model]
        assert not voice.word_times or model.word_times, voice
        assert not voice.ssml or model.ssml, voice
        assert not voice.instructions or model.instructions, voice
        if model.languages and is_told_a_voice(model):
            assert set(voice.languages) <= set(model.languages), voice


def test_every_model_that_speaks_can_be_called() -> None:
    assert stock_voices(CATALOG) == VOICES
    assert not [model.name for model in CATALOG.not_callable.values() if "speech" in model.kinds]


def test_what_cannot_be_called_is_refused_by_name_and_never_listed() -> None:
    for name, model in CATALOG.not_callable.items():
        assert problem_of(model) is None
        assert name not in CATALOG
        assert name not in [one.name for one in CATALOG.of_kind(model.kind)]
        with pytest.raises(InvalidRequest, match=f"cannot call {name} yet"):
            CATALOG.find(name)
        with pytest.raises(InvalidRequest, match=f"cannot call {name} yet"):
            CATALOG.find(name, model.kind)


def test_the_sandbox_serves_it_all_the_same() -> None:
    assert set(CATALOG.not_callable) <= set(names_of(with_packaged({})))


def test_the_services_list_has_nothing_new_in_what_cannot_be_called_yet() -> None:
    listed = [ListedModel(name) for name in (*CATALOG.not_callable, "qwen9-tts")]
    assert [one.name for one in difference(CATALOG, listed, "beijing").new] == ["qwen9-tts"]


def test_a_misspelt_ability_is_a_fault_of_the_file() -> None:
    group = {"models": ["a"], "languages": ["zh"], "word_time": True, "voices": [{"name": "b"}]}
    with pytest.raises(ValueError, match="word_time"):
        list(voices_in({"groups": [group]}))
