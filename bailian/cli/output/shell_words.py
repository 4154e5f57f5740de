"""What an error advises, as the shell says it: commands that can be pasted, options, keys."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from bailian.instructions import Instructions

SCRIPTS = {
    "image": "text2image.py",
    "image_edit": "image_edit.py",
    "wanx_edit": "wanx_edit.py",
    "video": "text2video.py",
    "text": "text2text.py",
    "speech": "audio.py tts",
    "transcription": "audio.py asr",
}


class ShellWords(Instructions):
    def fetch(self, flags: Sequence[str], *ids: str, elsewhere: bool = False) -> str:
        return " ".join([shlex.join(("bailian", "tasks", "wait", *flags)), *ids, *(["-o DIR"] if elsewhere else [])])

    def adopt(self, flags: Sequence[str], task_id: str, job_id: str) -> str:
        return f"{shlex.join(('bailian', 'tasks', 'adopt', *flags))} {task_id} --job {job_id}"

    def time_limit(self) -> str:
        return "--timeout"

    def retry_held(self) -> str:
        return "--retry-held"

    def interrupt(self) -> str:
        return "Ctrl-C"

    def caller(self, kind: str) -> str:
        return SCRIPTS.get(kind, kind)
