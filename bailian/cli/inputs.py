"""What a user's word for an input means: a recording in the field `file`, a picture in every other."""

from __future__ import annotations

from pathlib import Path

from bailian.modalities.shapes import Input


def input_of(field: str, word: str, home: Path) -> Input:
    """Return the input that a path, a link, `data:…` or `-` names.

    Raises:
        InvalidRequest: no such file, or nothing the service takes.
    """
    if field == "file":
        from bailian.media.recordings import resolve_recording as resolve
    else:
        from bailian.media.inputs import resolve
    return resolve(field, word, home)
