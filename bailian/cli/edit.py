"""wanx_edit.py: the mask is made, checked or shown before the request is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian import settings
from bailian.cli.masking import Masking, made_mask
from bailian.cli.options import Common
from bailian.cli.report import shown_path
from bailian.cli.run import run
from bailian.cli.terminal import write_data
from bailian.errors import Exit
from bailian.media.inputs import local_file

WITH_MASK = "description_edit_with_mask"


def run_edit(fields: Mapping[str, Any], masking: Masking, common: Common, *, upload: bool) -> int:
    """Run one edit; `--mask-preview` writes the preview and sends nothing."""
    given = dict(fields)
    if masking.mask is not None:
        given["mask"] = masking.mask
    if masking.wanted or masking.mask_preview:
        home = settings.home_folder() / ("sandbox" if common.sandbox else "")
        base, mask = made_mask(masking, _base(given.get("image")), home)
        given.update({name: str(path) for name, path in (("image", base), ("mask", mask)) if path is not None})
        if given.get("function") is None and not common.config:
            given["function"] = WITH_MASK
    if masking.mask_preview is not None:
        write_data(shown_path(masking.mask_preview.absolute()))
        return Exit.OK
    return run("wanx_edit", given, common, upload=upload)


def _base(word: str | None) -> Path | None:
    """Return the picture's path if it is on this machine."""
    if word is None or word == "-" or word.startswith(("http://", "https://", "oss://", "data:")):
        return None
    return local_file("image", word)
