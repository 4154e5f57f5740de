"""What the word for a result's place means: `-` is stdout, `cat.png` a file, every other word a folder.

One rule for the command line, the rows of a batch, and Python.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bailian.errors import InvalidRequest
from bailian.files import formats, naming
from bailian.i18n import reason_of, tr
from bailian.store.paths import leads_to_folder, local_path
from bailian.text.storage_path import ResultPath, StoragePath, holds_password
from bailian.types import Prepared, SpeechContext

STDOUT = "-"
SOUNDS = ("wav", "mp3", "pcm")
TEXTS = ("txt", "md", "json", "jsonl", "csv", "tsv", "html", "xml", "yaml", "srt", "vtt")
RESULTS = frozenset((*formats.PICTURES, "jpeg", "tif", *formats.FILMS, *SOUNDS, *TEXTS))
"""Suffixes that a file of results can have. In a row, another word with a dot is a folder's name."""

# Results of one request that share a name: they differ in their suffixes.
ONE_NAME = ("text", "speech", "transcription")

# A drive of Windows has one letter.
_HALF_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")
# What looks like the name of a format: "ogg", not the "5" of "v1.5".
_FORMAT = re.compile("[A-Za-z][A-Za-z0-9]{1,4}")


@dataclass(frozen=True)
class Place:
    """Where a result goes."""

    folder: ResultPath | None
    """None: to stdout."""
    stem: str | None = None
    """The file's name without suffix; None: by the template."""
    suffix: str | None = None
    """As it was typed; "" for a name without one; None: no file was named."""

    def files(self, count: int, others: Iterable[str] = ()) -> list[ResultPath]:
        """Return the names that so many results will get; `others` are suffixes of what stands beside them."""
        if self.folder is None or self.stem is None:
            return []
        stems = [self.stem] if count < 2 else [f"{self.stem}_{number}" for number in range(1, count + 1)]
        return [self.folder / _named(stem, suffix) for stem in stems for suffix in (self.suffix or "", *others)]

    def check(self) -> None:
        """Refuse before paying what could not be saved afterwards.

        Raises:
            InvalidRequest: the folder cannot be made or written, or the bucket is not there.
        """
        if self.folder is None:
            return
        if isinstance(self.folder, StoragePath):
            from bailian.files.storage.put_results import check_prefix

            check_prefix("output", self.folder)
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
                tr(
                    f"cannot write into {self.folder}: {reason_of(error)}",
                    f"无法写入目录 {self.folder}：{reason_of(error)}",
                ),
                advice=tr("choose a folder with -o DIR", "请用 -o 指定可写的目录"),
            ) from None

    def check_names(self, prepared: Prepared) -> None:
        """Refuse a name that something has already.

        Raises:
            InvalidRequest: with the name.
        """
        if self.suffix is not None:
            beside = SpeechContext.of(prepared.context).subtitles
            count = 1 if prepared.model.kind in ONE_NAME else prepared.count
            refuse_existing(self.files(count, [beside] if beside else []))


def place_of(word: str | os.PathLike[str], suffixes: Sequence[str]) -> Place:
    """Return what a word means where results end in one of `suffixes`; with none of them every new name is a file.

    A folder is what ends with a slash, what exists as one, and a name without a suffix.

    Raises:
        InvalidRequest: a suffix that these results cannot have.
    """
    text = os.fspath(word)
    if text == STDOUT:
        return Place(None)
    path = result_path(text)
    suffix = path.suffix.removeprefix(".")
    is_old = leads_to_folder(path) if isinstance(path, Path) else path == path.root
    if is_folder(text) or is_old or (suffixes and not _FORMAT.fullmatch(suffix)):
        return Place(path)
    if suffixes and suffix.lower() not in suffixes:
        raise InvalidRequest.one(
            "output",
            wrong_suffix(suffix, suffixes),
            advice=tr(
                f"change the suffix; if it is to be a folder, end it with a slash: -o {text}/",
                f"请更改后缀；如果要作为目录，请以斜杠结尾：-o {text}/",
            ),
        )
    return Place(path.parent, path.stem, suffix)


def row_place(word: str, suffixes: Sequence[str]) -> Place:
    """Return what a row's `output` means, below the folder of its batch; one that is wrong is refused before."""
    path = result_path(word)
    if is_folder(word) or row_suffix(word) not in (suffixes or TEXTS):
        return Place(path)
    return Place(path.parent, path.stem, path.suffix.removeprefix("."))


def row_suffix(word: str) -> str | None:
    """Return the suffix of a row's `output` if it names a file of results."""
    suffix = Path(word).suffix.removeprefix(".").lower()
    return suffix if suffix in RESULTS and not is_folder(word) else None


def is_folder(word: str) -> bool:
    """Return whether a word says itself that it is a folder."""
    return word.endswith(("/", os.sep))


def wrong_suffix(suffix: str, suffixes: Sequence[str]) -> str:
    listed = ", ".join(suffixes)
    return tr(f"a file ends in {listed}, not in {suffix}", f"文件后缀应为 {listed}，而不是 {suffix}")


def at_home(word: str) -> Path:
    """Return the path, with `~` as the home folder: a shell does not always see to that.

    Raises:
        InvalidRequest: there is no home folder.
    """
    if word != "~" and not word.startswith(("~/", f"~{os.sep}")):
        return Path(word)
    try:
        return Path(word).expanduser()
    except RuntimeError:
        raise InvalidRequest.one(
            "output",
            tr(f"{word}: there is no home folder", f"{word}：没有主目录"),
            advice=tr("write the whole path", "请写出完整路径"),
        ) from None


def result_path(word: str) -> ResultPath:
    """Return where a word leads: a path, with `~` as the home folder, or a place in storage.

    Raises:
        InvalidRequest: there is no home folder, the address has a password in it, or nothing can be put there.
    """
    if word.startswith("file://"):
        return local_path(word)
    if word.startswith(("http://", "https://")):
        raise InvalidRequest.one(
            "output",
            tr("results cannot be put under a link", "结果无法写入网页链接"),
            advice=tr("give a folder, or s3://BUCKET/PREFIX/", "请指定目录，或 s3://存储桶/前缀/"),
        )
    place = StoragePath.parse(word)
    if place is None:
        _refuse_half_an_address(word)
        return at_home(word)
    refuse_bad_address("output", word)
    if place.scheme == "oss" and place.bucket.startswith(SERVICE_BUCKET):
        raise InvalidRequest.one(
            "output",
            tr("that is the service's own temporary storage", "这是服务端自己的临时存储"),
            advice=tr("give a bucket of your own: oss://BUCKET/PREFIX/", "请使用自己的存储桶：oss://存储桶/前缀/"),
        )
    return place


def _refuse_half_an_address(word: str) -> None:
    """Refuse `s3:/bucket`, which would be a folder named `s3:`."""
    half = _HALF_ADDRESS.match(word)
    if half is not None:
        whole = f"{half[1]}://{word[half.end() :]}"
        raise InvalidRequest.one(
            "output",
            tr(f"{word} has one slash where an address has two", f"{word} 缺少一个斜杠"),
            advice=tr(f"-o {whole}; a folder of that name is ./{word}", f"-o {whole}；如确为目录，请写成 ./{word}"),
        )


SERVICE_BUCKET = "dashscope-"
"""`oss://dashscope-instant/…` is the service's own link to a file that was sent to it."""


def refuse_bad_address(field: str, word: str) -> None:
    """Refuse an address in storage that holds a password, which would stand in the journal, or names no bucket.

    Raises:
        InvalidRequest: without the address itself.
    """
    if holds_password(word):
        raise InvalidRequest.one(
            field,
            tr("the address has a password in it, which would be written down", "地址中含有密码，会被记录下来"),
            advice=tr(
                "leave it out: the library has settings of its own (AWS_*, ~/.aws, FSSPEC_*)",
                "请去掉密码：所用的库有自己的设置（AWS_*、~/.aws、FSSPEC_*）",
            ),
        )
    place = StoragePath.parse(word)
    if place is not None and not place.bucket:
        raise InvalidRequest.one(field, tr(f"{word} names no bucket", f"{word} 没有指明存储桶"), advice="")


def refuse_existing(files: Iterable[ResultPath]) -> None:
    """Refuse names that something has already, before anything is paid: it would not be overwritten.

    Raises:
        InvalidRequest: with the first of them.
    """
    for path in files:
        if _exists(path):
            raise InvalidRequest.one(
                "output",
                tr(f"{path} exists already, and is not overwritten", f"{path} 已存在，不会被覆盖"),
                advice=tr("choose another name, or a folder: -o DIR/", "请更换文件名，或指定目录：-o DIR/"),
            )


def _exists(path: ResultPath) -> bool:
    if isinstance(path, Path):
        return os.path.lexists(path)
    from bailian.files.storage.object_store import StorageError, is_there, require_library

    require_library("output", path)
    try:
        return is_there(path)
    except StorageError as error:
        raise InvalidRequest.unreadable("output", path, error) from None


def format_of(asked: str | None, place: Place) -> str | None:
    """Return the format of a sound or transcript: the name of its file may say it, and must not say another.

    Raises:
        InvalidRequest: it says another.
    """
    told = place.suffix and place.suffix.lower()
    if asked is None or told is None or asked == told:
        return told or asked
    raise InvalidRequest.one(
        "format",
        tr(f"{asked} does not go into a file named .{place.suffix}", f"{asked} 与文件后缀 .{place.suffix} 不一致"),
        advice=tr("leave one of the two out", "请去掉其中之一"),
    )


def _named(stem: str, suffix: str) -> str:
    return f"{stem}.{suffix}" if suffix else stem
