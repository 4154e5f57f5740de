"""What a user's word for an input means: a recording in the field `file`, a picture in every other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian.modalities import modality_of
from bailian.types import Input


def input_of(field: str, word: str, home: Path) -> Input:
    """Return the input that a path, a link, `data:…` or `-` names.

    Raises:
        InvalidRequest: no such file, or nothing the service takes.
    """
    if field == "file":
        from bailian.inputs.recordings import resolve_recording as resolve
    else:
        from bailian.inputs.resolve import resolve
    return resolve(field, word, home)


def as_sent(
    kind: str, fields: Mapping[str, Any], inputs: Mapping[str, Input], home: Path
) -> tuple[dict[str, Any], dict[str, Input]]:
    """Return a request's fields and inputs as they are sent: the mask that the fields make, its picture upright.

    Raises:
        InvalidRequest: the mask cannot be made.
    """
    if "mask" not in modality_of(kind).INPUT_FIELDS:
        return dict(fields), dict(inputs)
    from bailian.inputs.made_masks import with_mask

    return with_mask(fields, inputs, home)
