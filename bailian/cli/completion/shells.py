"""The four shells: the script that each reads, and how a value is written in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bailian.cli.completion.typed_line import Typed

_SPECIAL_IN_BASH = re.compile(r"""([\s"'\\$`&;|<>()!{}])""")
_PLAIN_IN_POWERSHELL = re.compile(r"[\w./:*+%=-]+")


@dataclass(frozen=True)
class Shell:
    """A shell that asks: its script, the file that it reads at its start, and the line that goes into it."""

    name: str
    script: str
    """The file beside this module."""
    start_file: str
    line: str
    written: Callable[[str, Typed, str], str]
    """A value as it replaces what was typed; the third is the signs at which the shell begins a new word."""
    escape: str = "\\"
    descriptions: bool = True

    @property
    def text(self) -> str:
        """Return the script."""
        return Path(__file__).with_name(self.script).read_text(encoding="utf-8")


def _as_it_is(value: str, _typed: Typed, _breaks: str) -> str:
    return value


def _in_bash(value: str, line: Typed, breaks: str) -> str:
    """Bash replaces only what stands behind its last word break (`:` in 16:9), and puts nothing into quotes itself."""
    if line.quote:
        return value
    kept = max((line.begun.rfind(sign) for sign in breaks if sign in ":="), default=-1) + 1
    return _SPECIAL_IN_BASH.sub(r"\\\1", value[kept:])


def _in_powershell(value: str, _typed: Typed, _breaks: str) -> str:
    if _PLAIN_IN_POWERSHELL.fullmatch(value):
        return value
    return "'" + value.replace("'", "''") + "'"


SHELLS = {
    shell.name: shell
    for shell in (
        Shell("bash", "bailian.bash", "~/.bashrc", 'eval "$(bailian completion bash)"', _in_bash, descriptions=False),
        Shell("zsh", "bailian.zsh", "~/.zshrc", 'eval "$(bailian completion zsh)"', _as_it_is),
        Shell("fish", "bailian.fish", "~/.config/fish/config.fish", "bailian completion fish | source", _as_it_is),
        Shell(
            "powershell", "bailian.ps1", "$PROFILE", "bailian completion powershell | Out-String | Invoke-Expression",
            _in_powershell, escape="`",
        ),
    )
}  # fmt: skip
