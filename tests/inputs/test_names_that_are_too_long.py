"""A name that the system does not take is a name of nothing, at whichever door it is given: a refusal, and no crash."""

from __future__ import annotations

import pytest

from tests.support.commands import Run

LONG = "猫" * 200
DOORS = {
    "--each, a file": ("image-edit", "x", "--each", LONG),
    "--each, a pattern": ("image-edit", "x", "--each", f"{LONG}/*.jpg"),
    "batch run": ("batch", "run", LONG),
    "batch status": ("batch", "status", LONG),
    "--config": ("text2image", "x", "--config", LONG),
    "a page's folder": ("gallery", "-o", f"{LONG}.html"),
    "again": ("again", LONG),
    "show": ("show", LONG),
    "a picture": ("image-edit", "x", "-i", LONG),
    "a recording": ("audio", "asr", LONG),
    "a film": ("text2video", "x", "--video", LONG),
    "a text": ("text2text", "x", "--file", LONG),
    "a folder of results": ("text2image", "x", "-o", f"{LONG}/"),
    "a batch's folder": ("text2image", "x", "-m", "wan2.2-t2i-flash,z-image-turbo", "-o", LONG),
}


@pytest.mark.few(4)
@pytest.mark.parametrize("words", DOORS.values(), ids=DOORS)
def test_a_name_that_is_too_long_is_refused(bailian: Run, words: tuple[str, ...]) -> None:
    assert "error: " in bailian(*words, exits=2).err
