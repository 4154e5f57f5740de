"""The catalog's reader: names, aliases, `like`, and the user's own file laid over the package's."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from bailian.catalog import KINDS, Catalog, Model, did_you_mean, load
from bailian.cli.output.shell_words import SCRIPTS, ShellWords
from bailian.clock import Clock, timed_by
from bailian.errors import InvalidRequest, SetupError
from bailian.instructions import spoken_by

NEW_MODEL = """
[models."wan9-t2i"]
kind = "image"
mode = "task"
route = "/services/aigc/text2image/image-synthesis"
"""


def overlaid(home: Path, text: str) -> Catalog:
    (home / "models.toml").write_text(text, encoding="utf-8")
    return load(home)


def test_without_an_overlay_the_packages_models_are_there(tmp_path: Path) -> None:
    """A home without models.toml, or none at all, changes nothing."""
    assert list(load(tmp_path)) == list(load())
    assert len(load()) == len(list(load()))


def test_an_overlay_overrides_field_by_field(tmp_path: Path) -> None:
    """What the user's table names is replaced; everything else stays."""
    before = load()["wan2.2-t2i-flash"]
    after = overlaid(
        tmp_path, '[models."wan2.2-t2i-flash"]\nprice_cny = 0.07\nrunning_limit = 10\nsizes = ["512*512"]\n'
    )["wan2.2-t2i-flash"]
    assert (after.price_cny, after.running_limit, after.sizes) == (0.07, 10, ("512*512",))
    assert (after.route, after.prompt_chars, after.n_max) == (before.route, before.prompt_chars, before.n_max)


def test_an_overlay_touches_only_its_own_models(tmp_path: Path) -> None:
    """The other models are as before."""
    after = overlaid(tmp_path, '[models."wan2.2-t2i-flash"]\nn_max = 1\n')
    assert after["wan2.2-t2i-plus"] == load()["wan2.2-t2i-plus"]


def test_a_new_model_needs_only_kind_mode_and_route(tmp_path: Path) -> None:
    """A model that is newer than the package is a table in the user's file; what it leaves out is not checked."""
    model = overlaid(tmp_path, NEW_MODEL).find("wan9-t2i", "image")
    assert (model.prompt_chars, model.max_pixels, model.sizes) == (None, None, ())


def test_like_starts_from_another_model(tmp_path: Path) -> None:
    """`like` takes all fields of the other model, and the table's own win."""
    model = overlaid(tmp_path, '[models.mine]\nlike = "qwen-image"\nprice_cny = 0.1\n')["mine"]
    parent = load()["qwen-image"]
    assert (model.name, model.price_cny) == ("mine", 0.1)
    assert (model.sizes, model.route, model.seed) == (parent.sizes, parent.route, parent.seed)


def test_like_can_be_chained(tmp_path: Path) -> None:
    """A model may be like one that is itself like another."""
    catalog = overlaid(tmp_path, '[models.b]\nlike = "a"\n[models.a]\nlike = "qwen-image"\nn_max = 3\n')
    assert (catalog["b"].n_max, catalog["b"].kind) == (3, "image")


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "text",
    [
        '[models.a]\nlike = "nothing-of-this-name"\n',
        '[models.a]\nlike = "a"\n',
        '[models.a]\nlike = "b"\n[models.b]\nlike = "a"\n',
        '[models.a]\nlike = ["qwen-image"]\n',
        '[models.a]\nlike = { model = "qwen-image" }\n',
    ],
)
def test_like_that_leads_nowhere_is_refused(tmp_path: Path, text: str) -> None:
    """An unknown parent, or a circle, is a fault of the file."""
    with pytest.raises(SetupError, match="like"):
        overlaid(tmp_path, text)


@pytest.mark.parametrize("key, near", [("prize_cny", "price_cny"), ("size", "sizes"), ("name", "")])
def test_an_unknown_field_is_refused_with_the_nearest_name(tmp_path: Path, key: str, near: str) -> None:
    """A typing error in the user's file would otherwise silently check nothing."""
    with pytest.raises(SetupError, match=f"unknown field '{key}'.*{near}") as raised:
        overlaid(tmp_path, f'[models."qwen-image"]\n{key} = 1\n')
    assert str(tmp_path / "models.toml") in str(raised.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "[models\n",
        "models = 3\n",
        "models = []\n",
        "[models]\na = 5\n",
        "[models]\na = []\n",
        '[models]\na = "text"\n',
        NEW_MODEL.replace('"task"', '"later"'),
        NEW_MODEL.replace('"image"', '"picture"'),
        "[models.a]\nprice_cny = 1\n",
        NEW_MODEL + "n_max = 'many'\n",
        NEW_MODEL + "sizes = '1024*1024'\n",
        NEW_MODEL + "side_px = [512]\n",
        NEW_MODEL + "running_limit = 2.5\n",
        NEW_MODEL + "aliases = ['a']\n",
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, text: str) -> None:
    """Not TOML, not a table, a wrong type, an unknown kind or mode: exit 3, naming the file."""
    with pytest.raises(SetupError, match=r"models\.toml"):
        overlaid(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """A file saved in another encoding is a fault of the file, not a bug."""
    (tmp_path / "models.toml").write_bytes('[models."中"]\n'.encode("gbk"))
    with pytest.raises(SetupError, match="not UTF-8"):
        load(tmp_path)


def test_a_file_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_bytes(b"a = " + b"[" * 20_000)
    with pytest.raises(SetupError, match="not valid TOML"):
        load(tmp_path)


def test_a_file_of_notepad_is_read(tmp_path: Path) -> None:
    """With a BOM, or as Windows' "Unicode"."""
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "models.toml").write_bytes('[models."wan2.2-t2i-flash"]\nn_max = 3\n'.encode(encoding))
        assert load(tmp_path)["wan2.2-t2i-flash"].n_max == 3


@pytest.mark.parametrize(
    "field, written, expected",
    [("n_max", '"4"', 4), ("price_cny", '"0.2"', 0.2), ("seed", '"false"', False), ("running_limit", '"2"', 2)],
)
def test_a_value_in_quotes_is_refused_or_read_as_what_it_is(
    tmp_path: Path, field: str, written: str, expected: object
) -> None:
    """A number or switch in quotes never reaches the rules as a text."""
    try:
        model = overlaid(tmp_path, f"{NEW_MODEL}{field} = {written}\n")["wan9-t2i"]
    except SetupError:
        return
    value = getattr(model, field)
    assert (type(value), value) == (type(expected), expected)


def test_lists_are_frozen_inside_tables_too(tmp_path: Path) -> None:
    """A model is a value: nothing in it can be changed by accident."""
    model = overlaid(tmp_path, NEW_MODEL + 'size_tiers = { "720P" = ["1280*720", "720*1280"] }\n')["wan9-t2i"]
    assert model.size_tiers["720P"] == ("1280*720", "720*1280")


def test_a_model_is_found_by_a_regions_name_too() -> None:
    """Every name that some region uses is accepted from the user."""
    catalog = load()
    assert catalog.find("wan2.1-t2i-turbo") is catalog["wanx2.1-t2i-turbo"]
    assert catalog["wanx2.1-t2i-turbo"].wire_name("singapore") == "wan2.1-t2i-turbo"
    assert catalog["wanx2.1-t2i-turbo"].wire_name("beijing") == "wanx2.1-t2i-turbo"


def test_a_models_own_name_wins_over_another_ones_alias() -> None:
    """An alias never hides a model."""
    first = Model(name="a", kind="image", mode="task", route="/a", aliases={"singapore": "b"})
    second = Model(name="b", kind="image", mode="task", route="/b")
    assert Catalog([first, second]).find("b") is second


@pytest.mark.parametrize(
    "typed, meant",
    [("wan2.2-t2i-flsh", "wan2.2-t2i-flash"), ("qwen_image", "qwen-image"), ("wanx2.1-t2i", "wanx2.1-t2i-turbo")],
)
def test_an_unknown_model_is_refused_with_near_names(typed: str, meant: str) -> None:
    """A typing error names what may have been meant, and the advice says where to add a new model."""
    with pytest.raises(InvalidRequest, match=f"unknown model '{typed}'; did you mean .*{meant}") as raised:
        load().find(typed, "image")
    assert "models.toml" in raised.value.advice


def test_near_names_are_of_the_same_kind() -> None:
    """text2image.py does not suggest a text model."""
    with pytest.raises(InvalidRequest) as raised:
        load().find("qwen-imagee", "text")
    assert "qwen-image," not in str(raised.value)


def test_a_model_of_another_kind_names_its_script() -> None:
    """A video model in text2image.py is refused with the script that runs it."""
    with spoken_by(ShellWords), pytest.raises(InvalidRequest, match="bailian text2video, not for bailian text2image"):
        load().find("wan2.1-t2v-plus", "image")


def test_models_of_a_kind_are_only_those() -> None:
    """`of_kind` filters."""
    assert {model.kind for model in load().of_kind("video")} == {"video"}


def test_did_you_mean_says_nothing_where_nothing_is_near() -> None:
    """A wild guess helps nobody."""
    assert did_you_mean("zzz", ["model", "size"]) == ""
    assert did_you_mean("sise", ["model", "size"]) == "; did you mean size?"


def test_every_kind_has_a_script() -> None:
    """A model of another kind is refused with the script that runs it."""
    assert {kind: SCRIPTS[kind] for kind in ("image", "text", "speech")} == {
        "image": "text2image.py",
        "text": "text2text.py",
        "speech": "audio.py tts",
    }
    assert set(SCRIPTS) == set(KINDS) - {"embedding"}
    assert ShellWords().caller("embedding").endswith("bailian batch run")


# ── kinds, days, successors ──


@pytest.mark.parametrize(
    "table, kinds",
    [
        ('kind = "image"', ("image",)),
        ('kinds = ["image"]', ("image",)),
        ('kinds = ["image_edit", "image"]', ("image_edit", "image")),
    ],
)
def test_a_users_entry_says_kind_or_kinds(tmp_path: Path, table: str, kinds: tuple[str, ...]) -> None:
    model = overlaid(tmp_path, NEW_MODEL.replace('kind = "image"', table))["wan9-t2i"]
    assert (model.kinds, model.kind) == (kinds, kinds[0])


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "table",
    [
        'kind = "image"\nkinds = ["image"]',
        "kinds = []",
        'kinds = "image"',
        'kinds = ["image", "picture"]',
        "kinds = [1]",
        'kind = ["image"]',
        'kind = "image"\nretired_on = "soon"',
    ],
)
def test_kinds_and_dates_that_are_none_are_refused(tmp_path: Path, table: str) -> None:
    with pytest.raises(SetupError, match=r"models\.toml"):
        overlaid(tmp_path, NEW_MODEL.replace('kind = "image"', table))


def test_a_users_kind_replaces_the_packages_kinds(tmp_path: Path) -> None:
    """Field by field: `kind` of one file and `kinds` of the other are one field."""
    catalog = overlaid(tmp_path, '[models."qwen-image-2.0"]\nkind = "image_edit"\n')
    assert catalog["qwen-image-2.0"].kinds == ("image_edit",)


def test_a_model_is_found_as_the_kind_that_is_asked_for() -> None:
    """Whoever reads `kind` afterwards need not know that there are two."""
    catalog = load()
    assert [catalog.find("qwen-image-2.0", kind).kind for kind in ("image", "image_edit")] == ["image", "image_edit"]
    assert catalog.find("qwen-image-2.0").kind == "image"
    for kind in ("image", "image_edit"):
        assert "qwen-image-2.0" in [model.name for model in catalog.of_kind(kind)]
        assert {model.kind for model in catalog.of_kind(kind)} == {kind}
    with (
        spoken_by(ShellWords),
        pytest.raises(InvalidRequest, match="bailian text2image and bailian image-edit, not for bailian text2text"),
    ):
        catalog.find("qwen-image-2.0", "text")


def chained(*models: tuple[str, str, str], today: date) -> Catalog:
    """Models as (name, retired_on, successor)."""
    made = [
        Model(name=name, kind="text", mode="sync", route="/t", retired_on=ended, successor=after)
        for name, ended, after in models
    ]
    return Catalog(made, today)


@pytest.mark.parametrize(
    "day, living",
    [(date(2026, 1, 1), "b"), (date(2026, 3, 1), "b"), (date(2026, 6, 1), "c"), (date(2027, 6, 1), None)],
)
def test_the_chain_of_successors_is_followed_to_one_that_lives(day: date, living: str | None) -> None:
    """A successor may be retired itself by now; where the chain ends or runs in a circle, there is none."""
    catalog = chained(
        ("a", "2026-03-01", "b"),
        ("b", "2026-06-01", "c"),
        ("c", "2027-01-01", "d"),
        ("d", "2027-01-01", "a"),
        today=day,
    )
    found = catalog.successor_of(catalog["a"])
    assert (found and found.name) == living


def test_a_successor_of_another_kind_is_none() -> None:
    one = Model(name="a", kind="image", mode="task", route="/a", retired_on="2026-01-01", successor="b")
    other = Model(name="b", kind="text", mode="sync", route="/b")
    assert Catalog([one, other], date(2026, 2, 1)).successor_of(one) is None


def test_a_model_is_retired_from_its_day_on() -> None:
    model = load()["qwen-turbo"]
    assert [model.retired(date(2026, 10, day)) for day in (9, 10, 11)] == [False, True, True]
    assert not load()["qwen-plus"].retired(date(2099, 1, 1))


@pytest.mark.parametrize("hour, day", [(15, 9), (16, 10)])
def test_days_change_at_the_vendors_midnight(hour: int, day: int) -> None:
    """16:00 UTC is midnight in Beijing, where models retire, wherever this machine is."""
    moment = datetime(2026, 10, 9, hour, tzinfo=timezone.utc)
    with timed_by(Clock(wall=moment.timestamp)):
        assert load().today == date(2026, 10, day)
        assert load()["qwen-turbo"].retired(load().today) == (day == 10)


def test_a_day_that_is_given_is_the_day() -> None:
    assert load(today=date(2026, 10, 10)).today == date(2026, 10, 10)
