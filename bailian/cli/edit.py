"""wanx_edit.py: the mask is made, checked or shown before the request is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bailian import settings
from bailian.batch.places import place_inputs
from bailian.cli.config import holds_many, read_request
from bailian.cli.mask_making import made_mask
from bailian.cli.masking import Masking
from bailian.cli.options import Common
from bailian.cli.report import shown_path
from bailian.cli.run import run
from bailian.cli.terminal import write_data
from bailian.errors import Exit
from bailian.media.inputs import is_local, local_file
from bailian.modalities import wanx_edit

WITH_MASK = "description_edit_with_mask"


def run_edit(fields: Mapping[str, Any], masking: Masking, common: Common, *, upload: bool) -> int:
    """Run one edit; `--mask-preview` writes the preview and sends nothing."""
    given = dict(fields)
    masking, base = _completed(masking, given.get("image"), common)
    if masking.wanted:
        home = settings.home_folder() / ("sandbox" if common.sandbox else "")
        base_file, mask_file = made_mask(masking, _base(base), home)
        if masking.mask is not None:
            given["mask"] = masking.mask
        given.update({name: str(path) for name, path in (("image", base_file), ("mask", mask_file)) if path})
        if given.get("function") is None and not common.config:
            given["function"] = WITH_MASK
    if masking.only_looks:
        for path in (masking.mask_save, masking.mask_preview):
            if path is not None:
                write_data(shown_path(path.absolute()))
        return Exit.OK
    return run("wanx_edit", given, common, upload=upload)


def _completed(masking: Masking, image: str | None, common: Common) -> tuple[Masking, str | None]:
    """Return the mask options and the picture, with what the config file of one request says where no flag does."""
    if common.config is None or holds_many(common.config):
        return masking, image
    config = wanx_edit.from_config(read_request(common.config))
    place_inputs(config, wanx_edit.INPUT_FIELDS, common.config.absolute().parent)
    words = {name: _only(config.get(name)) for name in wanx_edit.INPUT_FIELDS}
    return replace(masking, mask=masking.mask or words["mask"]), image or words["image"]


def _only(value: object) -> str | None:
    """Return the one word of a field; what else may stand there is judged when the request is prepared."""
    words = value if isinstance(value, list) else [value]
    return words[0] if len(words) == 1 and isinstance(words[0], str) else None


def _base(word: str | None) -> Path | None:
    """Return the picture's path if it is on this machine."""
    return local_file("image", word) if word is not None and is_local(word) else None
