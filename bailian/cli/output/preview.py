"""Pictures in the terminal, by textual-image: kitty's protocol, sixel (iTerm2, too), or half blocks; on stderr.

stdout is data: `picture=$(… --preview)` gets the path, and the person sees the picture.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.cli.output.live import above, can_be_shown
from bailian.cli.output.terminal import is_terminal, print_err
from bailian.errors import SetupError
from bailian.files.film_frames import CONTAINERS, first_frame
from bailian.files.formats import SUFFIXES
from bailian.files.storage.local_copies import local_copy
from bailian.i18n import reason_of, tr
from bailian.instructions import how_to
from bailian.text.storage_path import ResultPath

if TYPE_CHECKING:
    from PIL import Image

    from bailian.cli.args.options import SharedOptions
    from bailian.config.settings import Settings

SHOWN_KINDS = ("image", "image_edit", "wanx_edit", "video")
KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
MOST_COLUMNS = 60
LEFT_LINES = 4
"""So many lines of the terminal are left for what stands around the picture."""


def wants_preview(kind: str, common: SharedOptions, here: Settings) -> bool:
    """Return whether pictures are shown; called before anything is sent.

    Raises:
        SetupError: they are to be, and the extra that shows them is not installed.
    """
    if kind not in SHOWN_KINDS or (not common.preview and (common.quiet or not here.defaults.preview)):
        return False
    if not _can_show():
        if common.preview:
            print_err(tr("note: --preview needs a terminal with colours", "提示：--preview 需要支持颜色的终端"))
        return False
    require_extra()
    return True


def require_extra() -> None:
    """Refuse to show pictures without what shows them.

    Raises:
        SetupError: the extra is not installed.
    """
    if util.find_spec("textual_image") is None:
        raise SetupError(
            tr("--preview needs the extra [preview]", "--preview 需要可选部分 [preview]"),
            advice=how_to().with_extra("preview"),
        )


def show_files(files: Iterable[ResultPath]) -> None:
    """Show pictures, and of films the first picture. One that cannot be shown is a note: it is there all the same."""
    if not _can_show():
        print_err(tr("note: --preview needs a terminal with colours", "提示：--preview 需要支持颜色的终端"))
        return
    for path in files:
        _show(path)


def _show(path: ResultPath) -> None:
    try:
        with local_copy(path) as copy:
            picture = _picture_of(copy)
        if picture is not None:
            with above(sys.stderr):
                _draw(picture)
    except Exception as error:  # noqa: BLE001 - it is paid and saved, whatever a decoder or a terminal says
        reason = reason_of(error)
        print_err(tr(f"note: {path.name} cannot be shown: {reason}", f"提示：无法显示 {path.name}：{reason}"))


def _can_show() -> bool:
    return can_be_shown() and not os.environ.get("NO_COLOR")


def _picture_of(path: Path) -> Image.Image | None:
    """Return what is shown of a file; None: nothing, a sound has no picture."""
    from PIL import Image

    if path.suffix.lower().removeprefix(".") in SUFFIXES["picture"]:
        with Image.open(path) as picture:
            whole: Image.Image = picture.convert("RGB")
            return whole
    if path.suffix.lower() not in CONTAINERS:
        return None
    with suppress(ImportError):  # without PyAV a film has none
        return first_frame(path)
    return None


def _draw(picture: Image.Image) -> None:
    from rich.console import Console

    with _terminal_is_stderr():
        console = Console(stderr=True)
        size = console.size
        width, height = min(size.width - 1, MOST_COLUMNS), max(4, size.height - LEFT_LINES)
        shown = _renderable()(picture, width="auto", height="auto")
        console.print(shown, width=width, height=height)
        sys.stderr.flush()


def _renderable() -> Any:
    """Return what draws for this terminal, which is asked, where it can answer."""
    import logging

    logging.getLogger("textual_image").setLevel(logging.CRITICAL)  # a terminal that does not answer is no news
    library = _unasked_library()
    if is_terminal(sys.stdin):
        from textual_image.renderable import sixel, tgp

        if sixel.query_terminal_support():
            return library.SixelImage
        # Others print the question: Apple's terminal does.
        if _may_be_kitty() and tgp.query_terminal_support():
            return library.TGPImage
    return library.HalfcellImage


def _unasked_library() -> Any:
    """Load the library. It asks the terminal meanwhile, and fails where stdin is a pipe, unless it finds no stdout."""
    terminal, sys.__stdout__ = sys.__stdout__, None  # type: ignore[misc]
    try:
        from textual_image import renderable
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc]
    return renderable


def _may_be_kitty() -> bool:
    return bool(os.environ.get("KITTY_WINDOW_ID")) or os.environ.get("TERM", "") in KITTY_TERMS


@contextmanager
def _terminal_is_stderr() -> Iterator[None]:
    """The library writes to `sys.__stdout__` past everything: let that be the terminal, and not a pipe for data."""
    kept = sys.__stdout__
    sys.__stdout__ = sys.stderr  # type: ignore[misc,assignment]
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        sys.__stdout__ = kept  # type: ignore[misc]
