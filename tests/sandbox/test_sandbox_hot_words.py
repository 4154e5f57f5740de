"""Hot words: lists that are kept, and what they do to what is heard; and the vendor's SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from bailian.sandbox import Sandbox
from bailian.sandbox.speech.audio_watermark import RecognizedSentence
from bailian.sandbox.speech.sentences import Word
from bailian.sandbox.transcription.hot_words import as_spelled
from tests.support.recordings import SAID, hear, spoken, uri
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles

pytestmark = pytest.mark.slow

TASKS = "/services/audio/asr/transcription"
HOT = "/services/audio/asr/customization"
FUN = "fun-asr-flash-2026-06-15"


def task(client: Client, model: str, inputs: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    answer = client.post(TASKS, {"model": model, "input": inputs, "parameters": parameters})
    assert answer.status_code == 200, answer.text
    return client.wait(answer.json()["output"]["task_id"])


def words(client: Client, action: str, **inputs: Any) -> requests.Response:
    return client.post(HOT, {"model": "speech-biasing", "input": {"action": action, **inputs}}, asks_async=False)


def make_words(client: Client, *texts: str, model: str = "fun-asr") -> str:
    vocabulary = [{"text": text, "weight": 4, "lang": "en"} for text in texts]
    made = words(client, "create_vocabulary", target_model=model, prefix="my", vocabulary=vocabulary)
    assert made.status_code == 200, made.text
    return str(made.json()["output"]["vocabulary_id"])


def test_a_hot_word_is_heard_as_it_is_spelled(client: Client, files: ServedFiles) -> None:
    url = files.put("a.wav", spoken(SAID))
    made = make_words(client, "Bailian", "BIG World")
    of_another_model = make_words(client, "Bailian", model="paraformer-v2")

    def text(vocabulary_id: str) -> str:
        answer = task(client, "fun-asr", {"file_urls": [url]}, vocabulary_id=vocabulary_id)
        found = client.download(answer["output"]["results"][0]["transcription_url"]).json()
        return str(found["transcripts"][0]["text"])

    assert text(made) == "你好，世界！Hello BIG World, this is Bailian. 再见。"
    assert text(of_another_model) == SAID, "ignored without a word"
    assert text("vocab-none") == SAID
    instant = make_words(client, "Bailian", model=FUN)
    assert "Bailian" in hear(client, FUN, uri(spoken(SAID)), vocabulary_id=instant).json()["output"]["text"]
    own = hear(client, "qwen-audio-3.1-asr-flash", uri(spoken(SAID)), vocabulary={"Bailian": 50}).json()
    assert [word["text"] for word in own["output"]["sentence"]["words"]][-3:] == ["Bailian", "再", "见"]


def test_lists_are_kept(client: Client) -> None:
    one, two = make_words(client, "a"), make_words(client, "b")
    rows = words(client, "list_vocabulary", prefix="my").json()["output"]["vocabulary_list"]
    assert [row["vocabulary_id"] for row in rows] == [two, one]
    assert set(rows[0]) == {"vocabulary_id", "gmt_create", "gmt_modified", "status"}
    words(client, "update_vocabulary", vocabulary_id=one, vocabulary=[{"text": "c", "weight": 1}])
    queried = words(client, "query_vocabulary", vocabulary_id=one).json()["output"]
    assert (queried["vocabulary"], queried["target_model"]) == ([{"text": "c", "weight": 1}], "fun-asr")
    assert words(client, "delete_vocabulary", vocabulary_id=one).status_code == 200
    gone = words(client, "query_vocabulary", vocabulary_id=one)
    assert (gone.status_code, gone.json()["code"]) == (400, "BadRequest.ResourceNotExist")


def test_lists_survive_the_sandbox(tmp_path: Path) -> None:
    with Sandbox(task_s=0, state_path=tmp_path / "box.sqlite") as box:
        made = make_words(Client(box), "Bailian")
    with Sandbox(task_s=0, state_path=tmp_path / "box.sqlite") as box:
        assert words(Client(box), "query_vocabulary", vocabulary_id=made).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"vocabulary": []}, {"vocabulary": [{"text": "a", "weight": 6}]}, {"vocabulary": [{"text": "一" * 16, "weight": 4}]},
        {"vocabulary": [{"text": "a b c d e f g h", "weight": 4}]}, {"vocabulary": [{"text": "a", "weight": 4}] * 501},
        {"prefix": "no_good"}, {"target_model": "qwen3-asr-flash"}, {"target_model": "paraformer-v1"},
    ],
)  # fmt: skip
def test_lists_that_are_refused(client: Client, change: dict[str, Any]) -> None:
    good = {"target_model": "fun-asr", "prefix": "my", "vocabulary": [{"text": "a", "weight": 4}]}
    assert words(client, "create_vocabulary", **{**good, **change}).status_code == 400


def test_words_that_are_parted_another_way() -> None:
    heard = RecognizedSentence("The e-mail is here.", 0, 40, (
        Word("The", 0, 10, " "), Word("e-mail", 10, 20, " "), Word("is", 20, 30, " "), Word("here", 30, 40, "."),
    ))  # fmt: skip
    spelled = as_spelled(heard, ["Email", "ishere", "nothing", ""])
    assert spelled.text == "The Email ishere."
    assert [(word.text, word.begin, word.end) for word in spelled.words] == [
        ("The", 0, 10), ("Email", 10, 20), ("ishere", 20, 40),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestTheOfficialSdk:
    """The vendor's own SDK, unchanged."""

    def test_transcription_with_hot_words(self, sdk: Any, files: ServedFiles) -> None:
        from dashscope.audio.asr import Transcription, VocabularyService

        service = VocabularyService()
        made = service.create_vocabulary(
            target_model="fun-asr", prefix="sdk", vocabulary=[{"text": "Bailian", "weight": 4, "lang": "en"}]
        )
        assert [row["vocabulary_id"] for row in service.list_vocabularies(prefix="sdk")] == [made]
        assert service.query_vocabulary(made)["vocabulary"][0]["text"] == "Bailian"
        url = files.put("a.wav", spoken(SAID))
        answer = Transcription.call(model="fun-asr", file_urls=[url], vocabulary_id=made, language_hints=["zh"])
        found = json.loads(requests.get(answer.output.results[0]["transcription_url"], timeout=10).text)
        assert "Bailian" in found["transcripts"][0]["text"]
        service.update_vocabulary(made, [{"text": "Hello", "weight": 4}])
        service.delete_vocabulary(made)
        assert service.list_vocabularies() == []
