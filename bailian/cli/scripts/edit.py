"""wanx_edit.py: the mask is made as the fields say, or only shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.cli.args.mask_options import Looks
from bailian.cli.args.options import SharedOptions
from bailian.cli.output.report import shown_path
from bailian.cli.output.terminal import print_data
from bailian.cli.scripts.request import run
from bailian.config import settings
from bailian.errors import Exit
from bailian.modalities.picture.wanx_edit import MASK_OPTIONS


def run_edit(fields: Mapping[str, Any], looks: Looks, common: SharedOptions, *, upload: bool) -> int:
    """Run one edit; `--mask-preview` and `--mask-save` write what it would be and send nothing."""
    # A mask option that is not given is none, so that a config's stands.
    given = {name: value for name, value in fields.items() if not (name in MASK_OPTIONS and value is False)}
    if looks.wanted:
        return _look(given, looks, common)
    return run("wanx_edit", given, common, upload=upload)


def _look(given: Mapping[str, Any], looks: Looks, common: SharedOptions) -> int:
    from bailian.cli.args.mask_making import write_looks
    from bailian.cli.args.prepare import fields_of

    home = settings.home_folder() / ("sandbox" if common.sandbox else "")
    write_looks(fields_of("wanx_edit", given, common, []), looks, home)
    for path in (looks.mask_save, looks.mask_preview):
        if path is not None:
            print_data(shown_path(path.absolute()))
    return Exit.OK
