"""File names: safe on every system, inside the output folder, and never over an existing file."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bailian.errors import InvalidRequest
from bailian.files import naming
from bailian.files.naming import DEFAULT_TEMPLATE, FIELDS, check_template, render
from bailian.files.publishing import publish
from tests.support.file_names import assert_safe
from tests.support.setting import ROOT

VALUES = st.fixed_dictionaries(
    {"n": st.none() | st.integers(1, 4)},
    optional={name: st.none() | st.text() | st.integers() for name in FIELDS if name != "n"},
)
PIECES = [f"{{{name}}}" for name in FIELDS] + ["_", "-", " ", ".", "a", "猫", "con", "nul", "/", "x/"]
TEMPLATES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join).filter(lambda text: text[0] != "/")


@given(TEMPLATES, VALUES)
def test_any_values_give_a_safe_name(template: str, values: dict[str, object]) -> None:
    """Whatever a prompt, a model or a server's task id holds, the file lands below the output folder."""
    try:
        check_template(template)
    except InvalidRequest:
        return
    assert_safe(render(template, values))


@given(st.text(), st.text())
@example("con", "NUL")
@example("COM¹", "lpt²")
@example("../../etc/passwd", "..\\..\\x")
@example("猫" * 800, "0" * 300)
@example("\ud83d", "\u202egnp.exe")
def test_prompt_and_task_id_are_harmless(prompt: str, task_id: str) -> None:
    """A field's value never makes a folder, a device's name, or a name that is too long."""
    for template in ("{prompt}", "{task_id}", "{task_id}_{prompt}", DEFAULT_TEMPLATE):
        name = render(template, {"prompt": prompt, "task_id": task_id, "index": 1})
        assert "/" not in name
        assert_safe(name)


@pytest.mark.parametrize(
    "values, expected",
    [
        ({}, "file"),
        ({"date": "20260102", "time": "030405", "model": "qwen-image"}, "20260102-030405_qwen-image"),
        ({"date": "1", "time": "2", "model": "m", "prompt": "a cat", "seed": 0, "index": 3}, "1-2_m_a-cat_s0_3"),
        ({"date": "1", "time": "2", "model": "m", "prompt": "!!!", "index": 1}, "1-2_m_1"),
        ({"prompt": "一间 花店，窗户", "index": 1}, "一间-花店-窗户_1"),
        ({"prompt": "x" * 60, "index": 1}, "x" * 40 + "_1"),
    ],
)
def test_the_default_template(values: dict[str, object], expected: str) -> None:
    """Absent values disappear with their separator; a prompt is cut at 40 characters."""
    assert render(DEFAULT_TEMPLATE, values) == expected


def test_a_template_without_index_tells_pictures_apart() -> None:
    """With n above 1 the index is added; with 1 the name is the template's."""
    assert [render("cat", {"n": 2, "index": i}) for i in (1, 2)] == ["cat_1", "cat_2"]
    assert render("cat", {"n": 1, "index": 1}) == "cat"


def test_a_template_may_make_folders() -> None:
    """A slash, or a backslash on any system, is a folder below the output folder."""
    assert render("{model}/{index}", {"model": "a/b", "index": 1}) == "a-b/1"
    assert render("{model}\\{index}", {"model": "m", "index": 1}) == "m/1"


def test_braces_in_a_value_are_not_fields() -> None:
    """A prompt that looks like a template is text."""
    assert render("{prompt}_{model}", {"prompt": "{model}", "model": "m"}) == "model_m"


@pytest.mark.slow
def test_a_template_of_many_short_words_is_cut_too() -> None:
    """A long template ends in a name, not in an endless loop (the time limit is only a rope)."""
    code = "from bailian.files.naming import render; print(len(render('a_' * 400, {})))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, env=environment)
    assert int(ran.stdout) <= naming.NAME_MAX_BYTES


@pytest.mark.parametrize("template", [DEFAULT_TEMPLATE, "{index}", "a/{task_id}", "猫 {n}", "a..b"])
def test_good_templates_are_taken(template: str) -> None:
    """Every known field, folders, and any letters."""
    check_template(template)


@pytest.mark.parametrize(
    "template",
    [
        "",
        " ",
        "{size}",
        "{}",
        "{prompt",
        "prompt}",
        "{{index}}",
        "../x",
        "a/../b",
        "/x",
        "\\x",
        "C:\\x",
        "..",
        "a\\..\\b",
    ],
)
def test_bad_templates_are_refused_with_the_fields(template: str) -> None:
    """An unknown field or a way out of the folder is refused before anything is paid."""
    with pytest.raises(InvalidRequest, match=r"\{prompt\}"):
        check_template(template)


@pytest.mark.parametrize("template", ["a\nb", "a\x1b[2Jb", "what?", "a*b", 'say "hi"', "\udcff"])
def test_a_template_of_forbidden_characters_is_refused_or_made_safe(template: str) -> None:
    """Characters of the template itself are no worse than those of a prompt."""
    try:
        check_template(template)
    except InvalidRequest:
        return
    assert_safe(render(template, {}))


def part(folder: Path, text: str = "new") -> Path:
    path = folder / f".{text}.part"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_gets_its_name_and_the_temporary_one_goes(tmp_path: Path) -> None:
    """The whole file appears under its final name only."""
    assert publish(part(tmp_path), tmp_path / "a.png") == tmp_path / "a.png"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.png", "new")]


def test_nothing_existing_is_overwritten(tmp_path: Path) -> None:
    """Files, folders and broken links that have the name keep it; the new file gets the next free one."""
    (tmp_path / "a.png").write_text("old", encoding="utf-8")
    (tmp_path / "a-2.png").mkdir()
    assert publish(part(tmp_path), tmp_path / "a.png") == tmp_path / "a-3.png"
    assert (tmp_path / "a.png").read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_broken_link_keeps_its_name(tmp_path: Path) -> None:
    """A link that leads nowhere is somebody's too."""
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    assert publish(part(tmp_path), tmp_path / "a.png") == tmp_path / "a-2.png"


def test_killed_between_naming_and_cleaning(tmp_path: Path) -> None:
    """A file that already has its name is not given a second one."""
    temp = part(tmp_path)
    os.link(temp, tmp_path / "a.png")
    assert publish(temp, tmp_path / "a.png") == tmp_path / "a.png"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES, errno.ENOSYS])
def test_where_links_are_not_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """On a file system without links nothing is overwritten either."""

    def no_links(*_: object) -> None:
        raise OSError(number, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "a.png").write_text("old", encoding="utf-8")
    assert publish(part(tmp_path), tmp_path / "a.png") == tmp_path / "a-2.png"
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["new", "old"]


def test_a_full_disk_is_said_and_the_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other failure is raised; what was downloaded is not removed."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "link", full)
    temp = part(tmp_path)
    with pytest.raises(OSError, match="full"):
        publish(temp, tmp_path / "a.png")
    assert temp.exists()


def test_files_of_one_name_do_not_try_each_others_names_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose prompts begin alike makes thousands; each knows where the series stands."""
    link, tried = os.link, 0

    def counted(one: Path, other: Path) -> None:
        nonlocal tried
        tried += 1
        link(one, other)

    monkeypatch.setattr(os, "link", counted)
    names = [publish(part(tmp_path), tmp_path / "a.png").name for _ in range(200)]
    assert names == ["a.png", *(f"a-{number}.png" for number in range(2, 201))]
    assert tried <= 3 * 200


def test_killed_between_naming_and_cleaning_in_a_long_series(tmp_path: Path) -> None:
    """It is found among all names of the series, also those that this process has found taken."""
    for _ in range(5):
        publish(part(tmp_path), tmp_path / "a.png")
    temp = part(tmp_path)
    (tmp_path / "a-3.png").unlink()
    os.link(temp, tmp_path / "a-3.png")
    assert publish(temp, tmp_path / "a.png") == tmp_path / "a-3.png"
    assert len(list(tmp_path.iterdir())) == 5


def test_a_paid_file_is_never_lost_when_all_names_are_taken(tmp_path: Path) -> None:
    """After a thousand files of one name the next one is kept, and no other file is taken for it."""
    for name in ["a.png", *(f"a-{i}.png" for i in range(2, 1000))]:
        (tmp_path / name).write_text("old", encoding="utf-8")
    temp = part(tmp_path)
    try:
        placed = publish(temp, tmp_path / "a.png")
    except OSError:
        placed = temp
    assert placed.read_text() == "new"


@pytest.mark.parametrize("seed", [[1], {"a": 1}, None, float("nan"), True, "7\n/8", 10**400])
def test_a_seed_that_the_service_told_is_no_crash(seed: object) -> None:
    """Where none was asked for, the answer's own stands in the name: it may be anything."""
    assert_safe(render(DEFAULT_TEMPLATE, {"prompt": "猫", "seed": seed, "n": 1}))
