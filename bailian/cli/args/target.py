"""Where `-o` says that results go: a folder, a file, or stdout; and what is refused of it before paying."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from bailian.cli.args.options import DEFAULT_OUTPUT, SharedOptions
from bailian.cli.output.terminal import is_terminal
from bailian.errors import InvalidRequest
from bailian.files import naming
from bailian.files.outputs import ONE_NAME, RESULTS, STDOUT, Place, is_folder, place_of, result_path
from bailian.files.under_way import under_way
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.store.paths import leads_to_folder
from bailian.store.private import private_folder
from bailian.text.storage_path import ResultPath
from bailian.types import Prepared

if TYPE_CHECKING:
    from bailian.engine.job import OutputSpec

PRINTED = ("text", "embedding")
"""What goes to stdout if nothing else is said."""


@dataclass(frozen=True)
class Target(Place):
    """Where a result goes. On stdout a text is only printed; a file is made in the home folder, printed and removed."""

    as_file: bool = False
    """What goes to stdout is the bytes of a file."""

    def check_room(self, prepared: Prepared) -> None:
        """Refuse a name that something has already, and more results than stdout has room for.

        Raises:
            InvalidRequest: with the name, or with how many there are.
        """
        count = 1 if prepared.model.kind in ONE_NAME else prepared.count
        if self.as_file and (count > 1 or prepared.open_count):
            many = str(count) if count > 1 else tr("several", "多")
            raise InvalidRequest.one(
                "output",
                tr(f"stdout has room for one result, not for {many}", f"stdout 只能输出一个结果，而不是 {many} 个"),
                advice=tr("give a folder or a file: -o DIR", "请指定目录或文件：-o DIR"),
            )
        self.check_names(prepared)

    def saving(self, home: Path, common: SharedOptions, recipe: str) -> OutputSpec:
        """Return what the engine is told; `recipe`: what is written into a picture."""
        from bailian.engine.job import OutputSpec

        template = common.name or naming.DEFAULT_TEMPLATE
        folder = private_folder(under_way(home)) / uuid4().hex if self.as_file else self.folder
        return OutputSpec(
            None if folder is None else folder.absolute(),
            template,
            common.sidecar and self.folder is not None,
            self.stem,
            self.suffix,
            recipe,
        )


def target_of(kind: str, common: SharedOptions, folder: str | None) -> Target:
    """Return where the results of one request go, `folder` unless `-o` says it. A text is printed if nothing is said.

    Raises:
        InvalidRequest: results of this kind cannot go there.
    """
    printed = kind in PRINTED
    place = Place(None if printed else default_folder(folder))
    if common.output is not None:
        place = place_of(common.output, modality_of(kind).FILE_SUFFIXES)
    if kind == "embedding" and place.folder is not None:
        raise InvalidRequest.one(
            "output",
            tr("vectors have no file of their own: they go to stdout", "向量没有单独的文件：输出到 stdout"),
            advice=tr("send stdout into a file: > vectors.json", "请重定向 stdout：> vectors.json"),
        )
    as_file = place.folder is None and not printed
    if as_file:
        _check_stdout(kind, common)
    return Target(place.folder, place.stem, place.suffix, as_file=as_file)


def _check_stdout(kind: str, common: SharedOptions) -> None:
    """Refuse what cannot be together with a file on stdout."""
    for name, given in (("json", common.as_json), ("sidecar", common.sidecar), ("no-wait", not common.wait)):
        if given:
            raise InvalidRequest.one(
                name,
                tr(f"stdout is the file's: leave --{name} out", f"stdout 用于输出文件：请去掉 --{name}"),
                advice=tr("give a folder: -o DIR", "请指定目录：-o DIR"),
            )
    if kind != "transcription" and is_terminal(sys.stdout) and not common.dry_run:
        raise InvalidRequest.one(
            "output",
            tr("stdout is a terminal, which cannot show a file", "stdout 是终端，无法显示文件"),
            advice=tr("name a file, or send it into a pipe: -o - | …", "请指定文件名，或送入管道：-o - | …"),
        )


def default_folder(folder: str | None) -> ResultPath:
    """Return where results go when `-o` is left out."""
    return Path(DEFAULT_OUTPUT) if folder is None else result_path(folder)


def folder_of(output: str) -> ResultPath:
    """Return the folder of many results.

    Raises:
        InvalidRequest: stdout, or the name of one file.
    """
    path = result_path(output)
    is_old = leads_to_folder(path) if isinstance(path, Path) else path == path.root
    one_file = path.suffix.removeprefix(".").lower() in RESULTS and not is_folder(output) and not is_old
    if output == STDOUT or one_file:
        raise InvalidRequest.one(
            "output",
            tr("many results need a folder", "多个结果需要目录"),
            advice="-o DIR" if output == STDOUT else f"-o {output}/",
        )
    return path


def local_folder_of(output: str) -> Path:
    """Return the folder of files that are worked with on this machine.

    Raises:
        InvalidRequest: as for `folder_of`, or it is in storage.
    """
    path = folder_of(output)
    if not isinstance(path, Path):
        raise InvalidRequest.one(
            "output", tr("here only a folder of this machine will do", "此处只能使用本机目录"), advice="-o DIR"
        )
    return path
