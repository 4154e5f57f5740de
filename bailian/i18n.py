"""Every sentence a person reads exists in English and in Chinese; this module picks one."""

from __future__ import annotations

import errno
import os
from functools import lru_cache

OWN_VARIABLE = "BAILIAN_LANG"
LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_preferred: list[str] = []


def prefer(chosen: str) -> None:
    """Take the language that the user's settings name, unless `BAILIAN_LANG` says another; before the first sentence."""
    _preferred[:] = [chosen]
    language.cache_clear()


def language_origin() -> tuple[str, str]:
    """Return "zh" or "en", and what says so; "" where nothing does.

    `BAILIAN_LANG`, else the user's settings, else the locale's variables, else English.
    """
    own = os.environ.get(OWN_VARIABLE, "").strip().lower()
    if own:
        return _known(own), OWN_VARIABLE
    if _preferred:
        return _known(_preferred[0]), "settings.toml"
    for name in LOCALE_VARIABLES:
        value = os.environ.get(name, "").strip().lower()
        if value:
            return _known(value), name
    return "en", ""


@lru_cache(maxsize=1)
def language() -> str:
    """Return "zh" or "en"."""
    return language_origin()[0]


def _known(value: str) -> str:
    return "zh" if value.startswith("zh") else "en"


def tr(en: str, zh: str) -> str:
    """Return the sentence in the user's language."""
    return zh if language() == "zh" else en


# What the system says in English only, unless its own language packs are installed.
_SYSTEM_WORDS = {
    errno.EACCES: "没有权限",
    errno.EBADF: "文件已关闭",
    errno.EBUSY: "正被占用",
    errno.EEXIST: "已存在",
    errno.EFBIG: "文件过大",
    errno.EILSEQ: "文件名含无法编码的字符",
    errno.EINVAL: "参数无效",
    errno.EIO: "读写错误",
    errno.EISDIR: "是目录，不是文件",
    errno.ELOOP: "符号链接过多",
    errno.EMFILE: "打开的文件过多",
    errno.ENAMETOOLONG: "名称过长",
    errno.ENFILE: "系统打开的文件过多",
    errno.ENODEV: "没有该设备",
    errno.ENOENT: "文件或目录不存在",
    errno.ENOSPC: "磁盘空间不足",
    errno.ENOTDIR: "路径中有一段不是目录",
    errno.ENXIO: "没有该设备",
    errno.EPERM: "不允许该操作",
    errno.EPIPE: "读取端已关闭",
    errno.EROFS: "文件系统只读",
    **({errno.EDQUOT: "超出磁盘配额"} if hasattr(errno, "EDQUOT") else {}),
}


def reason_of(error: BaseException | str) -> str:
    """Return why a file could not be read or written: the system's words, in the user's language where they are known.

    An error that is none of the system's (a NUL in a name) says it itself.
    """
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return tr(said, _SYSTEM_WORDS.get(getattr(error, "errno", None) or 0, said))
