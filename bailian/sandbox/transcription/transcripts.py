"""What stands behind `transcription_url`, key for key (PF-REST)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bailian.sandbox.speech.audio_watermark import RecognizedSentence
from bailian.sandbox.speech.sentences import Word, split_words
from bailian.sandbox.transcription.hot_words import as_spelled
from bailian.sandbox.transcription.recordings import FileFailure, Recording

_MADE_UP = {
    "zh": "这是百炼沙箱编造的识别结果，和录音的内容无关。",
    "en": "This is a transcript made up by the Bailian sandbox, it has nothing to do with the recording.",
}
LEAD_MS = 100
"""Before and after made-up speech."""


def transcript(
    url: str,
    recording: Recording,
    *,
    channels: list[int],
    language: str,
    diarization: bool,
    hot: Sequence[str] = (),
    said: str | None = None,
) -> dict[str, Any]:
    """Return the document of one file.

    Raises:
        FileFailure: there is no speech in it (ERR).
    """
    made = [
        _channel(channel, sentences, diarization=diarization)
        for channel in channels
        if (sentences := heard(recording, channel, language, hot, said))
    ]
    if not made:
        raise FileFailure("SUCCESS_WITH_NO_VALID_FRAGMENT", "There is no speech in the audio.")
    return {
        "file_url": url,
        "properties": {
            "audio_format": recording.audio_format,
            "channels": channels,
            "original_sampling_rate": recording.sample_rate,
            "original_duration_in_milliseconds": recording.duration_ms,
        },
        "transcripts": made,
    }


def qwen3_transcript(document: dict[str, Any], language: str, *, words: bool) -> dict[str, Any]:
    """Return a document as Qwen3 writes it: an emotion each sentence, counted from 0, no speakers (QASR)."""
    properties = document["properties"]
    left_out = ("sentence_id", "speaker_id") + (() if words else ("words",))
    transcripts = [
        {
            "channel_id": channel["channel_id"],
            "text": channel["text"],
            "sentences": [
                {
                    "sentence_id": number,
                    "language": language,
                    "emotion": "neutral",
                    **{name: value for name, value in sentence.items() if name not in left_out},
                }
                for number, sentence in enumerate(channel["sentences"])
            ],
        }
        for channel in document["transcripts"]
    ]
    audio_info = {"format": properties["audio_format"], "sample_rate": properties["original_sampling_rate"]}
    return {"file_url": document["file_url"], "audio_info": audio_info, "transcripts": transcripts}


def speech_ms(document: dict[str, Any]) -> int:
    """What is billed: speech, each channel by itself (PF-REST)."""
    sentences = [sentence for channel in document["transcripts"] for sentence in channel["sentences"]]
    return sum(sentence["end_time"] - sentence["begin_time"] for sentence in sentences)


def heard(
    recording: Recording, channel: int, language: str, hot: Sequence[str], said: str | None = None
) -> list[RecognizedSentence]:
    """Return what is said in a channel; hot words stand as they are spelled. `said` is what a script says instead."""
    if said is not None:
        return _spoken(said.splitlines(), recording.duration_ms)
    recognized = [as_spelled(sentence, hot) for sentence in recording.sentences(channel) if sentence.words]
    if recognized or recording.is_silent(channel):
        return recognized
    return [_made_up(recording.duration_ms, language)]


def _made_up(duration_ms: int, language: str) -> RecognizedSentence:
    return _spoken([_MADE_UP["en" if language == "en" else "zh"]], duration_ms)[0]


def _spoken(texts: Sequence[str], duration_ms: int) -> list[RecognizedSentence]:
    """Return texts as spoken one after the other, each as long as it has letters."""
    told = [text for text in texts if split_words(text)]
    lead = LEAD_MS if duration_ms > 4 * LEAD_MS else 0
    letters, begin, sentences = sum(map(len, told)), 0, []
    for text in told:
        end = begin + len(text)
        span = duration_ms - 2 * lead
        sentences.append(_sentence(text, lead + span * begin // letters, lead + span * end // letters))
        begin = end
    return sentences


def _sentence(text: str, begin: int, end: int) -> RecognizedSentence:
    found, length = split_words(text), end - begin
    words = tuple(
        Word(word, length * index // len(found), length * (index + 1) // len(found), signs)
        for index, (_, word, signs) in enumerate(found)
    )
    return RecognizedSentence(text, begin, end, words)


def _channel(channel: int, sentences: list[RecognizedSentence], *, diarization: bool) -> dict[str, Any]:
    items = []
    for number, sentence in enumerate(sentences, 1):
        words = word_times(sentence)
        end = words[-1]["end_time"]
        item = {
            "begin_time": words[0]["begin_time"],
            "end_time": end,
            "text": sentence.text.strip(),
            "sentence_id": number,
        }
        if diarization:
            item["speaker_id"] = (number - 1) % 2
        items.append({**item, "words": words})
    return {
        "channel_id": channel,
        "content_duration_in_milliseconds": sum(item["end_time"] - item["begin_time"] for item in items),
        "text": "".join(sentence.text for sentence in sentences).strip(),
        "sentences": items,
    }


def word_times(sentence: RecognizedSentence) -> list[dict[str, Any]]:
    return [_word(word, sentence.begin) for word in sentence.words]


def _word(word: Word, begin: int) -> dict[str, Any]:
    """A space belongs to the word before it, signs and their spaces are its punctuation."""
    space = word.punctuation if word.punctuation.isspace() else ""
    return {
        "begin_time": begin + word.begin,
        "end_time": begin + word.end,
        "text": word.text + space,
        "punctuation": "" if space else word.punctuation,
    }
