"""One function a kind: a prompt (or a whole request) and keywords in, a result out.

Each returns when all is here. It raises `InvalidRequest` before anything is sent, another `BailianError` if nothing came
of it, and `KeyboardInterrupt` with the task that runs on; `wait` fetches what an error names by its `task_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from bailian.api.one_request import made
from bailian.api.results import Result
from bailian.api.running import in_own_words

if TYPE_CHECKING:
    from pydantic import BaseModel
    from typing_extensions import Unpack

    from bailian.api.keywords import (
        EditOptions,
        File,
        Files,
        FilmOptions,
        PictureOptions,
        SpeechOptions,
        TextOptions,
        TranscriptionOptions,
        WanxOptions,
    )
    from bailian.api.text_streams import TextStream
    from bailian.modalities.audio.speech_request import SpeechRequest
    from bailian.modalities.picture.image import ImageRequest
    from bailian.modalities.picture.image_edit import ImageEditRequest
    from bailian.modalities.picture.wanx_edit import WanxEditRequest
    from bailian.modalities.recognition.transcription_request import TranscriptionRequest
    from bailian.modalities.text.text_request import TextRequest
    from bailian.modalities.video.video_request import VideoRequest


def text2image(prompt: str | ImageRequest, **options: Unpack[PictureOptions]) -> Result:
    """Make pictures and save them."""
    return _made("image", options, prompt=prompt)


def edit_image(prompt: str | ImageEditRequest, image: Files = (), **options: Unpack[EditOptions]) -> Result:
    """Edit pictures by an instruction."""
    return _made("image_edit", options, prompt=prompt, image=image)


def wanx_edit(
    function: str | WanxEditRequest, image: File = "", prompt: str | None = None, **options: Unpack[WanxOptions]
) -> Result:
    """Edit a picture with one of the ten functions; `mask` or the `mask_…` options say where."""
    return _made("wanx_edit", options, function=function, image=image, prompt=prompt)


@overload
def text2text(
    prompt: str | TextRequest, *, stream: Literal[False] = False, **options: Unpack[TextOptions]
) -> Result: ...


@overload
def text2text(prompt: str | TextRequest, *, stream: Literal[True], **options: Unpack[TextOptions]) -> TextStream: ...


def text2text(
    prompt: str | TextRequest, *, stream: bool = False, **options: Unpack[TextOptions]
) -> Result | TextStream:
    """Answer a text; with `stream` as pieces, as they come."""
    given, request = text_request(prompt, options)
    if stream:
        from bailian.api.text_streams import TextStream

        return TextStream(given, request)
    return made("text", given, request=request)


def text2video(prompt: str | VideoRequest = "", **options: Unpack[FilmOptions]) -> Result:
    """Make a film from a text, and from pictures, films and sounds."""
    return _made("video", options, prompt=prompt)


def speak(text: str | SpeechRequest, **options: Unpack[SpeechOptions]) -> Result:
    """Speak a text; a long one is spoken in parts and joined."""
    return _made("speech", options, prompt=text)


def transcribe(file: File | TranscriptionRequest, **options: Unpack[TranscriptionOptions]) -> Result:
    """Write down what is said in one recording; `text` of the result has it."""
    return _made("transcription", options, file=file)


def _made(kind: str, options: Mapping[str, Any], **fields: Any) -> Result:
    """Make a request whose first value is its text, or all of it."""
    given, request = with_request(options, fields)
    return made(kind, given, request=request)


def with_request(options: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[dict[str, Any], BaseModel | None]:
    """Return the keywords of a call, and its request if its first value is one."""
    from pydantic import BaseModel

    whole = next((value for value in fields.values() if isinstance(value, BaseModel)), None)
    own = {name: value for name, value in fields.items() if not isinstance(value, BaseModel)}
    left_out = ("", (), None) if whole is not None else ((), None)
    return {**{name: value for name, value in own.items() if value not in left_out}, **options}, whole


def text_request(prompt: str | TextRequest, options: Mapping[str, Any]) -> tuple[dict[str, Any], BaseModel | None]:
    """Return the keywords of a text; with `go_on` also those of the answer that it goes on from."""
    given, request = with_request(options, {"prompt": prompt})
    cut = given.pop("go_on", None)
    if cut is None:
        return given, request
    from bailian.api.places import settings_of
    from bailian.batch.begun_answer import begun_answer

    with in_own_words():
        own = {name: value for name, value in given.items() if name != "prompt" or value}
        begun = begun_answer(str(cut), own, settings_of(given))
        return {**{name: value for name, value in begun.items() if name not in ("chat", "stream")}, **own}, request
