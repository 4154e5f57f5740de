"""What `-o` means: a folder, a file, or stdout."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from bailian.cli.options import Common
from bailian.cli.report import STDOUT_FOLDER
from bailian.errors import InvalidRequest
from bailian.language import say
from bailian.media import naming
from bailian.private import private_folder

if TYPE_CHECKING:
    from bailian.engine.job import Saving

# What looks like the name of a format: "ogg", not the "5" of "v1.5".
_WORD = re.compile("[A-Za-z][A-Za-z0-9]{1,4}")


@dataclass(frozen=True)
class Target:
    """Where a result goes."""

    folder: Path | None
    """None: to stdout. A text is only printed; a file is made in the home folder, printed and removed."""
    stem: str | None = None
    """The file's name without suffix; None: by the template."""
    suffix: str | None = None
    """As it was typed; "" for a name without one."""
    as_file: bool = False
    """What goes to stdout is the bytes of a file."""

    def check(self) -> None:
        """Refuse before paying what could not be saved afterwards.

        Raises:
            InvalidRequest: the folder cannot be made or written.
        """
        if self.folder is None:
            return
        from tempfile import TemporaryFile

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # As long as the longest name that a file of ours gets if need be: Windows counts the whole path.
            with TemporaryFile(dir=self.folder, prefix="." + "x" * naming.PLAIN_MAX_BYTES):
                pass
        except OSError as error:
            raise InvalidRequest.one(
                "output",
                say(
                    f"cannot write into {self.folder}: {error.strerror}",
                    f"无法写入目录 {self.folder}：{error.strerror}",
                ),
                advice=say("choose a folder with -o DIR", "请用 -o 指定可写的目录"),
            ) from None

    def saving(self, home: Path, common: Common) -> Saving:
        """Return what the engine is told."""
        from bailian.engine.job import Saving

        template = common.name or naming.DEFAULT_TEMPLATE
        folder = private_folder(home / STDOUT_FOLDER) / uuid4().hex if self.as_file else self.folder
        return Saving(None if folder is None else folder.absolute(), template, common.sidecar, self.stem, self.suffix)


def target_of(output: Path | None, *, default: Path | None, suffixes: tuple[str, ...], as_file: bool) -> Target:
    """Return what the word after `-o` means; `-` is stdout, a name that ends in one of `suffixes` is a file.

    With no `suffixes` every name is a file, unless a folder has it already.
    """
    if output is None:
        return Target(default, as_file=as_file and default is None)
    if str(output) == "-":
        return Target(None, as_file=as_file)
    suffix = output.suffix.removeprefix(".")
    if output.is_dir() or (suffixes and not _WORD.fullmatch(suffix)):
        return Target(output)
    if suffixes and suffix.lower() not in suffixes:
        raise InvalidRequest.one(
            "output",
            say(
                f"a file ends in {', '.join(suffixes)}, not in {suffix}",
                f"文件后缀应为 {', '.join(suffixes)}，而不是 {suffix}",
            ),
            advice=say(
                "change the suffix; if it is to be a folder, make it first",
                "请更改后缀；如果要作为目录，请先创建该目录",
            ),
        )
    return Target(output.parent, output.stem, suffix)
