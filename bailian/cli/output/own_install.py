"""How the toolkit came to this machine, and the line that adds a part of it there."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from importlib import metadata, util
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from bailian.i18n import tr
from bailian.text.quoting import quoted

NAME = "bailian-toolkit"
RECEIPTS = {"uv-receipt.toml": "uv tool install --force", "pipx_metadata.json": "pipx install --force"}
"""What uv and pipx leave in the environment of a tool, and how they install over it. Neither puts pip there."""
BESIDE = {"uv tool install --force": " --with", "pipx install --force": " --preinstall"}
"""How they put a library beside a tool; pip needs no word for it."""
_EXTRA = re.compile(r"""extra == ['"]([\w-]+)['"]""")


def line_that_adds(extra: str, python: str, also: str = "") -> str:
    """Return the line that installs the toolkit once more with this extra; `python` is how this Python is called.

    `also`: a library that goes beside it into the same environment.
    """
    tool = next((line for name, line in RECEIPTS.items() if (Path(sys.prefix) / name).is_file()), None)
    source, editable = _source()
    extras = [*(_extras_here() if tool else ()), extra]
    where = f"{source or '.'}[{','.join(dict.fromkeys(extras))}]"
    pip = f"{python} -m pip install" if util.find_spec("pip") else f"uv pip install --python {python}"
    flag = " -e" if editable and tool is None else ""
    # Square brackets are a pattern in zsh; double quotes are read by every shell, Windows' too.
    shown = quoted(where) if re.search(r"""["$`\\!]""", where) and os.name != "nt" else f'"{where}"'
    beside = f"{BESIDE.get(tool or '', '')} {also}" if also else ""
    line = f"{tool or pip}{flag} {shown}{beside}"
    return line if source else f"{line} ({tr('in the folder of the toolkit', '在本工具的目录中运行')})"


def _source() -> tuple[str | None, bool]:
    """Return the folder or wheel that this was installed from, if it is still there, and whether it runs from there."""
    for found in metadata.distributions(name=NAME):  # in a clone there is one more, which does not say it
        with suppress(ValueError, AttributeError):
            written = json.loads(found.read_text("direct_url.json") or "{}")
            url = urlsplit(str(written.get("url")))
            path = Path(url2pathname(url.path))
            if url.scheme == "file" and path.exists():
                return _from_here(path), bool(written.get("dir_info", {}).get("editable"))
    return None, False


def _from_here(path: Path) -> str:
    """Return a path with a slash in it: a word without one is a name for pip and uv."""
    if path == Path.cwd():
        return "."
    return f"{os.curdir}{os.sep}{os.path.relpath(path)}" if path.is_relative_to(Path.cwd()) else str(path)


def _extras_here() -> list[str]:
    """Return the extras whose packages are all here: installing over a tool would drop those that are not named."""
    needs: dict[str, list[str]] = {}
    for line in metadata.requires(NAME) or ():
        found = _EXTRA.search(line)
        if found:
            needs.setdefault(found[1], []).append(re.split(r"[^\w.-]", line, maxsplit=1)[0])
    return [extra for extra, names in needs.items() if extra != "dev" and all(map(_is_here, names))]


def _is_here(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
