"""Hot words: lists that the account keeps, and what they do to what was heard (HOT)."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from bailian.sandbox.database import Database
from bailian.sandbox.speech.audio_watermark import RecognizedSentence
from bailian.sandbox.speech.sentences import Word

_SCHEMA = "CREATE TABLE IF NOT EXISTS hot_words (vocabulary_id TEXT PRIMARY KEY, number INTEGER, content TEXT NOT NULL)"
_JOINTS = re.compile(r"[\s'’.-]+")


@dataclass(frozen=True)
class Vocabulary:
    """One list."""

    vocabulary_id: str
    target_model: str
    prefix: str
    entries: list[dict[str, Any]]
    created: float
    modified: float


class HotWords:
    """The table of lists."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_SCHEMA)

    def put(self, vocabulary: Vocabulary) -> None:
        """Add a list, or change it."""
        with self._database.transaction():
            named = (vocabulary.vocabulary_id,)
            row = self._database.row("SELECT number FROM hot_words WHERE vocabulary_id = ?", named)
            last = self._database.rows("SELECT coalesce(max(number), 0) AS last FROM hot_words")[0]["last"]
            values = (vocabulary.vocabulary_id, row["number"] if row else last + 1, json.dumps(asdict(vocabulary)))
            self._database.change("INSERT OR REPLACE INTO hot_words VALUES (?, ?, ?)", values)

    def get(self, vocabulary_id: str) -> Vocabulary | None:
        row = self._database.row("SELECT content FROM hot_words WHERE vocabulary_id = ?", (vocabulary_id,))
        return _vocabulary(row) if row else None

    def all(self, prefix: str) -> list[Vocabulary]:
        """Return those whose name begins so, newest first."""
        rows = self._database.rows("SELECT content FROM hot_words ORDER BY number DESC")
        return [one for one in map(_vocabulary, rows) if one.prefix.startswith(prefix)]

    def delete(self, vocabulary_id: str) -> bool:
        return self._database.change("DELETE FROM hot_words WHERE vocabulary_id = ?", (vocabulary_id,)) > 0

    def words_for(self, vocabulary_id: Any, model: str) -> list[str]:
        """Return the words of a list; one of another model is ignored without a word, as is one that is not there."""
        vocabulary = self.get(vocabulary_id) if isinstance(vocabulary_id, str) else None
        if vocabulary is None or vocabulary.target_model != model:
            return []
        return [str(entry["text"]) for entry in vocabulary.entries]


def _vocabulary(row: sqlite3.Row) -> Vocabulary:
    return Vocabulary(**json.loads(row["content"]))


def as_spelled(sentence: RecognizedSentence, hot: Iterable[str]) -> RecognizedSentence:
    """Return a sentence in which each hot word stands as it is spelled in the list.

    Here a word is recognized by its letters alone, whatever their case and however they are parted: "bai lian" is heard
    as "Bailian". The real service goes by the sound.
    """
    for word in hot:
        sentence = _with_word(sentence, word)
    return sentence


def _key(text: str) -> str:
    return _JOINTS.sub("", text).casefold()


def _with_word(sentence: RecognizedSentence, hot: str) -> RecognizedSentence:
    wanted, words, at = _key(hot), list(sentence.words), 0
    text = sentence.text
    while wanted and at < len(words):
        count = _span(words, at, wanted)
        if count:
            first, last = words[at], words[at + count - 1]
            heard = "".join(one.text + one.punctuation for one in words[at : at + count])
            heard = heard.removesuffix(last.punctuation) if last.punctuation else heard
            text = text.replace(heard, hot, 1) if heard in text else text
            words[at : at + count] = [Word(hot, first.begin, last.end, last.punctuation)]
        at += 1
    return replace(sentence, text=text, words=tuple(words))


def _span(words: list[Word], at: int, wanted: str) -> int:
    """Return how many words from there on make the wanted one; 0: they do not."""
    found = ""
    for count, word in enumerate(words[at:], 1):
        found += _key(word.text)
        if found == wanted:
            return count
        if not wanted.startswith(found) or _JOINTS.sub("", word.punctuation):
            return 0
    return 0
