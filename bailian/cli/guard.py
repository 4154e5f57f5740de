"""The one place that turns failures into text and an exit code. What is not ours keeps its traceback: a bug."""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

import click

from bailian.cli.help.help_command import HELP_WORDS
from bailian.cli.output.streams import Output, ReaderGone, is_gone, reader_may_leave, take_over
from bailian.clock import SYSTEM_CLOCK, Clock, timed_by
from bailian.engine.signals import SIGNALS
from bailian.errors import BailianError, Exit, Interrupted, InvalidRequest, SaveError
from bailian.i18n import reason_of, tr
from bailian.instructions import Instructions, spoken_by
from bailian.text.quoting import quoted

SHOWN_CHARS = 60


def main(command: click.Command, prog_name: str | None = None, *, clock: Clock = SYSTEM_CLOCK) -> NoReturn:
    """Run a command and leave with its verdict. Every script and command ends here."""
    stdout = take_over()
    # pydantic looks through every installed package for plugins: 24 ms, and we have none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # SIGTERM (cron, systemd) ends a run as Ctrl-C does: what is running is named and kept.
    signal.signal(signal.SIGTERM, _interrupt)
    # So does a terminal that is closed, a connection that is lost; under nohup it is ignored, and stays so.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        with spoken_by(_shell_words), timed_by(clock):
            code = _verdict(command, prog_name, stdout)
        _hear_no_more()
        code = _all_written(code, stdout)
    finally:
        if stdout is not None:
            stdout.let_go()
    sys.exit(code)


def _shell_words() -> Instructions:
    from bailian.cli.output.shell_words import ShellWords  # most runs need none

    return ShellWords()


def _verdict(command: click.Command, prog_name: str | None, stdout: Output | None) -> int:
    try:
        if callable(signal.getsignal(signal.SIGINT)):  # until here `door` has heard it
            signal.signal(signal.SIGINT, _interrupt)
        return int(_called(command, prog_name) or 0)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        return _fail(_from_click(error))
    except (click.Abort, KeyboardInterrupt):
        return _fail(Interrupted(tr("interrupted", "已中断"), advice=_list_tasks()))
    except ReaderGone as error:
        return Exit.OK if reader_may_leave() else _fail(error)
    except BailianError as error:
        return _fail(error)
    except OSError as error:
        if stdout is None or error is not stdout.failure:
            raise
        return _unwritten(error)
    except SystemExit:
        # click and rich leave by themselves, with 1, when nobody reads what they print.
        if stdout is None or stdout.failure is None:
            raise
        return _unwritten(stdout.failure)


def _called(command: click.Command, prog_name: str | None) -> Any:
    try:
        return command.main(prog_name=prog_name, standalone_mode=False, help_option_names=HELP_WORDS)
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.ctx.get_help() if asked.ctx else "")
        return Exit.OK


def _all_written(code: int, stdout: Output | None) -> int:
    """Return the verdict: what stdout did not take is no success, whoever has overlooked it."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    failure = stdout.failure if stdout is not None else None
    return _unwritten(failure) if failure is not None and code == Exit.OK else code


def _unwritten(error: OSError) -> Exit:
    """stdout is full, closed, or its reader has gone. Whatever was paid for is saved, or in the journal."""
    from bailian.cli.output.terminal import nobody_reads

    if is_gone(error):
        return Exit.OK if reader_may_leave() else _fail(nobody_reads(), as_json=False)
    reason = tr("it is closed", "stdout 已关闭") if error.errno == errno.EBADF else reason_of(error)
    text = tr(f"cannot write to stdout: {reason}", f"无法写入 stdout：{reason}")
    return _fail(SaveError(text, advice=_list_tasks()), as_json=False)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hear_no_more() -> None:
    """The verdict is known, and only to be said: a second Ctrl-C must not put a traceback in its place."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _list_tasks() -> str:
    from bailian.cli.output.shell_words import ShellWords

    tasks = ShellWords().command("tasks", "list")
    return tr(f"`{tasks}` shows what was saved and what is running", f"`{tasks}` 显示已保存和仍在运行的任务")


def _fail(error: BailianError, as_json: bool | None = None) -> Exit:
    _hear_no_more()
    from bailian.cli.output.terminal import print_error, print_json

    if _wants_json() if as_json is None else as_json:
        try:
            print_json(error.to_json())
        except (OSError, SaveError):
            print_error(error)
    else:
        print_error(error)
    return error.exit_code


def _wants_json() -> bool:
    """Look at the raw words: a usage error may come before the option was read."""
    words = sys.argv[1:]
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _text_with_a_dash(option: str) -> str:
    """Return the word of the command line that was taken for an option, if it looks like a text: -1度的冬天."""
    words = (word for word in sys.argv[1:] if word.startswith("-") and option.lstrip("-") in word)
    word = next(words, "")
    return "" if re.fullmatch(r"--?[A-Za-z][\w-]*(=.*)?", word, re.ASCII | re.DOTALL) else word


def _behind_two_dashes(text: str, command: str) -> InvalidRequest:
    shown = text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
    message = tr(f"{shown!r} begins with -, and is no option", f"{shown!r} 以 - 开头，但不是选项")
    advice = tr(
        f"put -- before the text: `{command} -- {quoted(shown)}`, options before that",
        f"请在文本前加 --：`{command} -- {quoted(shown)}`，选项写在它之前",
    )
    return InvalidRequest.one("", message, advice=advice)


def _extra_words() -> tuple[str, ...]:
    """Return how click begins to say that there are too many arguments, in the user's language."""
    from gettext import ngettext

    one, many = "Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"
    return tuple(ngettext(one, many, count).partition("{")[0] for count in (1, 2))


def _unquoted() -> str:
    """Return what the shell has taken apart, most likely."""
    pattern = any(word.partition("=")[0] == "--each" for word in sys.argv)
    return tr("the pattern", "通配符") if pattern else tr("the prompt", "提示词")


def _from_click(error: click.UsageError) -> InvalidRequest:
    """Say click's complaint in the user's language."""
    name = ""
    message: Any = error.format_message()
    if isinstance(error, click.NoSuchOption) and (text := _text_with_a_dash(error.option_name)):
        return _behind_two_dashes(text, error.ctx.command_path if error.ctx else "")
    if isinstance(error, click.NoSuchOption):
        from bailian.catalog import did_you_mean

        params = error.ctx.command.params if error.ctx else []
        known = [word for one in params if isinstance(one, click.Option) for word in one.opts]
        message = tr(f"unknown option {error.option_name}", f"未知选项 {error.option_name}")
        message += did_you_mean(error.option_name, known)
    elif isinstance(error, click.MissingParameter):
        name = (error.param.name or "") if error.param else ""
        message = tr("is missing", "缺少该参数")
    elif message.startswith(_extra_words()):
        message = tr(f"{message}; put {_unquoted()} in quotation marks", f"参数过多；请给{_unquoted()}加上引号")
    elif isinstance(error, click.BadParameter):
        name = (error.param.opts[0].lstrip("-") if error.param else "") or ""
        message = error.message
    command = error.ctx.command_path if error.ctx else ""
    advice = tr(f"`{command} --help` shows what is allowed", f"`{command} --help` 显示可用的参数") if command else ""
    return InvalidRequest.one(name, message, advice=advice)
