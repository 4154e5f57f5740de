"""A text that comes through a pipe is spoken while it comes: a request says the sentences that are whole by then.

No task is open while the pipe is silent, so however long that is, nothing runs out (the service waits 23 s), and each
request is checked, written down and paid as any other.
"""

from __future__ import annotations

import codecs
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bailian.cli.args.options import SharedOptions
from bailian.cli.args.target import Target
from bailian.cli.output.terminal import print_err
from bailian.errors import InvalidRequest
from bailian.files.sentences import end_of_sentences
from bailian.i18n import reason_of, tr
from bailian.text.characters import has_nothing_to_say

ONE_BEHIND_THE_OTHER = ("mp3", "opus", "pcm")
"""Formats of which one sound may follow another in a stream."""
READ_BYTES = 65_536
WAIT_S = 0.2
"""How often a waiting process looks whether it is interrupted."""


def comes_by_pipe(fields: Mapping[str, Any], target: Target, common: SharedOptions) -> bool:
    """Return whether both ends are pipes, and nothing is asked for that needs the whole text."""
    needs_all = common.dry_run or common.config or common.max_cost_cny is not None or fields.get("ssml")
    if needs_all or not target.as_file or fields.get("format") not in ONE_BEHIND_THE_OTHER:
        return False
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):  # a program may have put its own stdin in the place
        return False


def speak_piped(speak: Callable[[str], int]) -> int:
    """Speak stdin while it comes; `speak` returns an exit code, and the first that is not 0 ends it."""
    pipe, spoken = PipedText(sys.stdin.fileno()), False
    for text in pipe.texts():
        code = speak(text)
        if code:
            if spoken:
                print_err(tr("the rest of the text was not sent", "其余文本未发送"))
            return code
        spoken = True
    return 0 if spoken else speak("")


class PipedText:
    """Reads a pipe on a thread of its own, and hands out what is whole."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._text, self._over = "", False
        self._error: InvalidRequest | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._read, name="piped-text", daemon=True).start()

    def texts(self) -> Iterator[str]:
        """Yield all sentences that are whole when one is asked for; at the end the rest.

        Raises:
            InvalidRequest: it is no text.
        """
        while True:
            with self._changed:
                while not (end := end_of_sentences(self._text)) and not self._over:
                    self._changed.wait(WAIT_S)
                if self._error is not None:
                    raise self._error
                end = len(self._text) if self._over else end
                text, self._text = self._text[:end], self._text[end:]
                last = self._over
            if not has_nothing_to_say(text):
                yield text
            if last:
                return

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        try:
            while data := os.read(self._handle, READ_BYTES):
                self._add(decoder.decode(data))
            self._add(decoder.decode(b"", True))
        except UnicodeDecodeError:
            text = tr("a text that is spoken while it comes must be UTF-8", "边接收边朗读的文本必须是 UTF-8")
            self._error = InvalidRequest.one("prompt", text, advice="--file FILE")
        except OSError as error:
            self._error = InvalidRequest.one("prompt", tr(f"stdin: {reason_of(error)}", f"stdin：{reason_of(error)}"))
        with self._changed:
            self._over = True
            self._changed.notify()

    def _add(self, text: str) -> None:
        with self._changed:
            self._text += text
            self._changed.notify()
