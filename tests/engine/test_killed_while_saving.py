"""kill -9 between the names of files and the commit that says so: each result has one file, and none is lost."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bailian.files import png
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.journals import opened
from tests.support.processes import end, posix_only, start_script

MOMENTS = {
    "after the first has its name": "from bailian.files import publishing as owner; name = 'publish_first'",
    "before their end is committed": "from bailian.store.jobs import Journal as owner; name = 'finish'",
}
DIES = """
import os, signal
from text2image import main
real = getattr(owner, name)
def dies(*words, **more):
    if name != "finish":
        real(*words, **more)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, dies)
"""


@pytest.mark.slow
@pytest.mark.few(1)
@posix_only
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_saving_each_result_has_one_file(box: Sandbox, bailian: Run, moment: str) -> None:
    """Two jobs that want the same names, both killed, each with pictures that are named and not written down so."""
    box.settings.change({"enforce_limits": False, "task_s": 0.0})
    command = f"{MOMENTS[moment]}{DIES}".strip()
    for _ in range(2):
        assert end(start_script(box, "猫", "--n", "2", "--name", "猫", command=command)).code == -9
    assert list(Path("outputs").glob("*.png")), "it died too early to prove anything"
    bailian("tasks", "wait", "--all")
    with closing(opened(Path("bailian"))) as db:
        states = [state for (state,) in db.execute("SELECT state FROM jobs")]
        placed = [Path(path) for (path,) in db.execute("SELECT path FROM files WHERE placed = 1")]
    assert states == ["done", "done"]
    assert len(placed) == len(set(placed)) == 4
    assert {path.absolute() for path in Path("outputs").iterdir()} == set(placed), "something is left beside them"
    assert all(png.is_complete(path.read_bytes()) for path in placed)
    assert len(box.tasks) == 2
