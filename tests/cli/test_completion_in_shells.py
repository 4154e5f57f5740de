"""TAB in real shells: what stands on the line afterwards, as the shell itself reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("fcntl", reason="POSIX terminals")

from tests.support.screen import Terminal
from tests.support.setting import ROOT

pytestmark = pytest.mark.process

SHOW = "show() { printf '<%s>' \"$@\"; printf '%s\\n' ' EN''D'; }\n"
START = {
    "bash": (
        "bash.rc",
        'bind "set show-all-if-ambiguous on"\nPS1="$ "\n' + SHOW + 'eval "$(bailian completion bash)"\n',
    ),
    "zsh": (".zshrc", 'PS1="$ "\nunsetopt beep\n' + SHOW + 'compinit_home=1\neval "$(bailian completion zsh)"\n'),
    "fish": (
        "fish/config.fish",
        "function show; printf '<%s>' $argv; printf '%s\\n' ' EN''D'; end\nset -g fish_greeting\nbailian completion fish | source\n",
    ),
}
HOME_LINE = "\x01"  # Ctrl-A


def words_after(shell: str, keys: str, here: Path) -> list[str]:
    """Type keys into a shell, with TAB among them; return the words of the line as the shell takes them."""
    name, text = START[shell]
    (here / name).parent.mkdir(parents=True, exist_ok=True)
    (here / name).write_text(text, encoding="utf-8")
    start = {"bash": ["--noprofile", "--rcfile", str(here / name), "-i"], "zsh": ["-i"], "fish": ["-i"]}[shell]
    env = {
        "PATH": os.environ["PATH"], "HOME": str(here), "ZDOTDIR": str(here), "XDG_CONFIG_HOME": str(here), "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8", "BAILIAN_LANG": "en", "BAILIAN_HOME": os.environ["BAILIAN_HOME"], "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    program = shutil.which(shell)
    assert program is not None
    terminal = Terminal(160, 50)
    process = terminal.start([program, *start], env)
    os.write(terminal.master, f"{keys}{HOME_LINE}show \n".encode())
    assert terminal.read(" END"), terminal.text
    os.write(terminal.master, b"exit\n")
    terminal.read()
    process.wait()
    terminal.close()
    line = next(line for line in reversed(terminal.lines) if line.endswith(" END"))
    return line[line.index("<") + 1 : -len("> END")].split("><")


LINES = [
    ("bailian text2im\t", ["text2image"]),
    ("bailian text2image 猫 --neg\t", ["text2image", "猫", "--negative-prompt"]),
    ("bailian text2image -s 16:\t", ["text2image", "-s", "16:9"]),
    ("bailian text2image -m wanx2.1-t2i-t\t -s 1024\t", ["text2image", "-m", "wanx2.1-t2i-turbo", "-s", "1024*1024"]),
    ("bailian text2image --model=wanx2.1-t2i-t\t", ["text2image", "--model=wanx2.1-t2i-turbo"]),
    ("bailian text2image 'two words' --profile my\t", ["text2image", "two words", "--profile", "my.work"]),
    ("bailian image-edit 改 -i 我的\t", ["image-edit", "改", "-i", "我的 猫.png"]),
    ("bailian batch run sh\t", ["batch", "run", "shop list.csv"]),
    ('bailian image-edit 改 -i "我的\t', ["image-edit", "改", "-i", "我的 猫.png"]),
    ("bailian batch run fol\t2026\t", ["batch", "run", "folder/2026.jsonl"]),
    ("bailian show oth\t", ["show", "other.txt"]),
    ("bailian wanx-edit --function super\t", ["wanx-edit", "--function", "super_resolution"]),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with files to be named, and a profile."""
    for name in ("我的 猫.png", "shop list.csv", "shop.txt", "other.txt"):
        (tmp_path / name).write_bytes(b"")
    Path("folder").mkdir()
    Path("folder/2026.jsonl").write_bytes(b"")
    folder = Path(os.environ["BAILIAN_HOME"])
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text('[profile."my.work"]\nregion = "singapore"\n', encoding="utf-8")
    return tmp_path


SHELLS = [
    pytest.param(shell, marks=[pytest.mark.skipif(not shutil.which(shell), reason=f"no {shell} here"), *marks])
    for shell, marks in (("bash", []), ("zsh", [pytest.mark.slow]), ("fish", [pytest.mark.slow]))
]


@pytest.mark.few(2)
@pytest.mark.parametrize("keys, words", LINES, ids=[keys.strip() for keys, _ in LINES])
@pytest.mark.parametrize("shell", SHELLS)
def test_tab_writes_what_was_meant(home: Path, shell: str, keys: str, words: list[str]) -> None:
    assert words_after(shell, keys, home) == ["bailian", *words]


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_wrong_reaches_the_prompt(home: Path, shell: str) -> None:
    """Neither broken settings nor a folder that cannot be read say anything at TAB."""
    Path(os.environ["BAILIAN_HOME"], "settings.toml").write_text("this is = not [toml", encoding="utf-8")
    assert words_after(shell, "bailian text2image --profile w\t", home) == ["bailian", "text2image", "--profile", "w"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_an_old_bash_takes_the_script_too(home: Path) -> None:
    """3.2 has neither `compopt` nor `nosort`."""
    script = subprocess.run(["bailian", "completion", "bash"], capture_output=True, text=True, check=True).stdout
    old = 'enable -n compopt\ncomplete() { [[ $* != *nosort* ]] && echo "$*"; }\n'
    ran = subprocess.run(["bash", "--norc", "-c", old + script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "-o default -F _bailian_completion bailian"
    assert ran.stderr == ""
