"""Just before a request leaves: its local files become data URIs, or uploads."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.errors import InvalidRequest
from bailian.files import formats
from bailian.files.digests import changed
from bailian.files.storage.local_copies import MOST_BYTES
from bailian.i18n import reason_of, tr
from bailian.inputs.wire_fields import WIRE_FIELDS, has_url
from bailian.service.upload import upload
from bailian.store.paths import path_of
from bailian.text.storage_path import StoragePath
from bailian.types import Prepared

PICTURES_ALONE = {
    *("image", "images", "base_image_url", "mask_image_url"),
    *("img_url", "first_frame_url", "last_frame_url", "ref_images_url"),
}
"""Wire fields that hold nothing but pictures; others hold films and sounds, too."""
RECORDINGS_IN_MESSAGES = {"audio", "data"}
"""Wire fields of a recognition in one call: a file goes in them without upload."""
SOUND_MIME = {"mp3": "mpeg", "m4a": "mp4", "mkv": "webm", "opus": "ogg"}
MIME = {"jpg": "image/jpeg", "png": "image/png", "bmp": "image/bmp", "tiff": "image/tiff", "webp": "image/webp"}


def with_files(job: Job, services: Services) -> dict[str, Any]:
    """Return the body with every local file in it replaced.

    Raises:
        InvalidRequest: a file is gone; nothing was sent.
        TransportError, ServiceError: an upload failed; nothing was paid.
    """
    body: dict[str, Any] = dict(job.prepared.body)

    def replacement(url: str, name: str) -> str:
        path, field = path_of(url), WIRE_FIELDS[name]
        if url in job.prepared.origins and not path.exists():
            path = _fetched(path, field, job.prepared.origins[url], services.journal.folder)
        digest = job.prepared.digests.get(url)
        if digest and (trouble := changed(path, digest)):
            raise InvalidRequest.one(field, trouble, advice=_put_back())
        try:
            if name in RECORDINGS_IN_MESSAGES:
                return _sound_uri(path, field)
            is_link = _is_uploaded(path, name, always=job.prepared.upload)
            return _uploaded(job, services, path) if is_link else _data_uri(path, field)
        except OSError as error:
            raise InvalidRequest.one(
                field,
                tr(f"cannot read {path}: {reason_of(error)}", f"无法读取 {path}：{reason_of(error)}"),
                advice=_put_back(),
            ) from None

    body["input"] = _walked(body["input"], replacement)
    return body


def _fetched(path: Path, field: str, origin: str, home: Path) -> Path:
    """Fetch what another machine has fetched from storage, and checked.

    Raises:
        InvalidRequest: it cannot be fetched, or is another one now.
    """
    place = StoragePath.parse(origin)
    if place is None:
        return path
    from bailian.inputs.stored_inputs import fetched_input

    copy = fetched_input(field, place, home, MOST_BYTES)
    if copy.name != path.name:  # both are named by what they hold
        text = tr(f"{place} was changed since it was checked", f"{place} 在检查后被改动")
        raise InvalidRequest.one(field, text, advice=_put_back())
    return copy


def will_upload(prepared: Prepared) -> bool:
    """Return whether a file of a request will be uploaded when it leaves; one that is gone is not."""
    found = []

    def looked_at(url: str, name: str) -> str:
        with suppress(OSError):
            found.append(_is_uploaded(path_of(url), name, always=prepared.upload))
        return url

    _walked(prepared.body.get("input"), looked_at)
    return any(found)


def _is_uploaded(path: Path, name: str, *, always: bool) -> bool:
    if always or path.stat().st_size > formats.DATA_URI_MAX_BYTES:
        return True
    return name not in PICTURES_ALONE and not _mime(path)


def _put_back() -> str:
    return tr("put the file back and run the command again", "请恢复该文件后重新运行")


def names_files(body_input: Any) -> bool:
    """Return whether a body has files of this machine in it: most texts have none, and need no step for them."""
    return has_url(body_input, "file://")


def files_in(body: Any) -> list[Path]:
    """Return the files of this machine that a body names."""
    found: list[Path] = []

    def note(url: str, _name: str) -> str:
        found.append(path_of(url))
        return url

    _walked(body, note)
    return found


def _walked(value: Any, replacement: Callable[[str, str], str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _walked(inner, replacement, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walked(inner, replacement, name) for inner in value]
    is_file = name in WIRE_FIELDS and isinstance(value, str) and value.startswith("file://")
    return replacement(value, name) if is_file else value


def _uploaded(job: Job, services: Services, path: Path) -> str:
    """Upload a file once for a job, however often it is sent. The job's id in its name makes the task known again."""
    if (job.id, path) not in services.run_state.uploads:
        services.run_state.uploads[job.id, path] = upload(services.service, path, job.wire_model, job.id)
    return services.run_state.uploads[job.id, path]


def _mime(path: Path) -> str | None:
    """Return the type of a picture, None for any other file: what is not a picture goes by upload."""
    with path.open("rb") as file:
        return MIME.get(formats.suffix_of(file.read(formats.HEAD_BYTES)) or "")


def _sound_uri(path: Path, field: str) -> str:
    """Return a recording as it goes into a message. It was checked before, and is again: it may have been changed."""
    from bailian.inputs.recordings import HEAD_BYTES, SUFFIXES, by_magic
    from bailian.modalities.recognition.recording_limits import ENCODED_MAX_BYTES, encoded_bytes

    if encoded_bytes(path.stat().st_size) > ENCODED_MAX_BYTES:
        text = tr(f"{path} has grown after the check: it is too large now", f"{path} 在检查后变大，已超过上限")
        raise InvalidRequest.one(field, text, advice=_put_back())
    data, suffix = path.read_bytes(), path.suffix.lower().removeprefix(".")
    kind = by_magic(data[:HEAD_BYTES]) or (suffix if suffix in SUFFIXES else "")
    if not kind:
        text = tr(f"{path} is no recording any more", f"{path} 在检查后被改动，已不是录音")
        raise InvalidRequest.one(field, text, advice=_put_back())
    mime = SOUND_MIME.get(kind, kind)
    return f"data:audio/{mime};base64,{base64.b64encode(data).decode('ascii')}"


def _data_uri(path: Path, field: str) -> str:
    mime = _mime(path)
    if mime is None:
        raise InvalidRequest.one(
            field,
            tr(f"{path} is no picture any more: it was changed after the check", f"{path} 在检查后被改动，已不是图片"),
            advice=_put_back(),
        )
    return f"data:{mime};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
