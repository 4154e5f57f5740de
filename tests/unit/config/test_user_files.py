"""settings.toml and models.toml are a person's: every value is as it must be, or named with what is allowed; exit 3."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import catalog
from bailian.catalog.model import FIELD_NAMES
from bailian.catalog.model_rules import OPTIONAL, RULES, problem_of
from bailian.config.settings_file import read_settings_file
from bailian.config.user_defaults import Sources, layers_of, read_budgets
from bailian.errors import SetupError
from bailian.modalities.text.text_prices import cost_cny, prices_of
from bailian.types import TextContext

NEW = 'kind = "image"\nmode = "task"\nroute = "/r"\n'
DEEP = {
    "lists": "a = " + "[" * 2000 + "]" * 2000,
    "inline tables": "a = " + "{a = " * 2000 + "1" + "}" * 2000,
    "dotted": ".".join(["a"] * 2000) + " = 1",
    "header": "[" + ".".join(["a"] * 2000) + "]",
}


def budgets(home: Path) -> dict[str, float]:
    file = read_settings_file(home)
    return read_budgets(layers_of(file, None, home), Sources())


def refused(home: Path, name: str, content: str | bytes) -> str:
    """Return what is said of a file."""
    path = home / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    read = catalog.load if name == "models.toml" else read_settings_file
    with pytest.raises(SetupError) as raised:
        read(home)
    assert raised.value.exit_code == 3
    assert str(path) in raised.value.message
    assert "bailian doctor" in raised.value.advice
    return str(raised.value.message)


@pytest.mark.parametrize("name", ["settings.toml", "models.toml"])
@pytest.mark.parametrize(
    "content, said",
    [
        *((text, "nested deeper") for text in DEEP.values()),
        *(("[budget]\nday_cny = 1 # 日预算".encode("gbk"), "not UTF-8"), (b"\xff\xfe\x00", "not UTF-8")),
        *(("a = ", "not valid TOML"), ("\0", "not UTF-8"), ("a = 1\na = 2", "not valid TOML")),
        *(("budgte = 1", "budgte"), ("[budgte]\nday_cny = 1", "budgte"), ("x = 1979-05-27", "x")),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    assert said in refused(tmp_path, name, content)


@pytest.mark.parametrize(
    "content, said",
    [
        *(('[budget]\nday_cny = nan', "[budget] day_cny = nan"), ("[budget]\nday_cny = -1", "[budget] day_cny = -1")),
        *(("[budget]\nmonth_cny = inf", "month_cny = inf"), ('[budget]\nday_cny = "20"', "day_cny = '20'")),
        *(("[budget]\nday_cny = true", "day_cny = True"), ("[budget]\nday_cny = 07:32:00", "day_cny = ")),
        *(("[budget]\nday_cny = 1e400", "day_cny = inf"), (f"[budget]\nday_cny = 0x{'f' * 5000}", "too long to show")),
        *(("[budget]\nday = 1", "unknown key [budget] day; there is day_cny, month_cny, ask_above_cny; did you mean day_cny"),),
        *(("budget = 1", "a table: [budget]"), ("[bugdet]\n", "unknown table [bugdet]; there is budget")),
    ],
)  # fmt: skip
def test_a_setting_that_is_none(tmp_path: Path, content: str, said: str) -> None:
    """The text names file, table, key, and what is allowed."""
    assert said in refused(tmp_path, "settings.toml", content)


@pytest.mark.parametrize("value", ["nan", "-1", "inf", "1e400", "viel"])
@pytest.mark.parametrize("name", ["BAILIAN_DAY_BUDGET_CNY", "BAILIAN_MONTH_BUDGET_CNY"])
def test_a_variable_that_is_no_amount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=f"{name}={value}: it must be an amount"):
        budgets(tmp_path)


def test_budgets_are_read(tmp_path: Path) -> None:
    """Of nothing, too: a budget of 0 lets nothing pass."""
    (tmp_path / "settings.toml").write_text("\ufeff[budget]\nday_cny = 0\nmonth_cny = 20.5\n", encoding="utf-8")
    assert budgets(tmp_path) == {"day_budget_cny": 0.0, "month_budget_cny": 20.5}


@pytest.mark.few(6)
@pytest.mark.parametrize(
    "field, said",
    [
        *(("price_cny = nan", "price_cny = nan: it must be a number from 0"), ("price_cny = -5", "price_cny = -5")),
        *(("price_cny = inf", "price_cny"), ("price_cny = {a = nan}", "a table, each a number from 0")),
        *(("price_tiers = [{up_to_input_tokens = 9}]", "a table with input, output"), ("price_tiers = [1]", "a table")),
        *(("price_tiers = [{input = 1, output = -1}]", "a number from 0"), ("region_price_cny = {a = true}", "region_")),
        *(("max_pixels = -1", "max_pixels = -1: it must be a whole number from 1"), ("max_pixels = 1.5", "max_pixels")),
        *(("retired_on = 07:32:00", "YYYY-MM-DD"), ("retired_on = 2026-01-01T00:00:00", "YYYY-MM-DD")),
        *(("submit_per_s = nan", "submit_per_s"), ("submit_per_s = -1", "submit_per_s"), ("poll_per_s = 0", "poll_per_s")),
        *(("running_limit = 1.5", "running_limit"), ("running_limit = true", "running_limit")),
        *(('sizes = "1024*1024"', "a list"), ('sizes = ["big"]', "1024*1024"), ("side_px = [9, 1]", "[smallest, largest]")),
        *(("aliases = 5", "aliases = 5: it must be a table"), ("seed = 1", "true or false"), ('mode = "fast"', "task, sync")),
        *(('kind = "picture"', "kind"), ("kinds = []", "kind"), ('route = "https://evil.example"', "begins with /")),
        *(("min_pixels = 10\nmax_pixels = 9", "at most max_pixels"), ("submit_per_sec = 1", "did you mean submit_per_s")),
        *(("like = 5", "like"), ('like = "nobody"', "nobody"), ("title = 07:32:00", "a text")),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong(tmp_path: Path, field: str, said: str) -> None:
    """Prices that pass --max-cost, limits of -1: the text names model, field and what is allowed."""
    new = "".join(line + "\n" for line in NEW.splitlines() if not field.startswith((line.split()[0], "kinds")))
    message = refused(tmp_path, "models.toml", f'[models."mein-modell"]\n{new}{field}\n')
    assert "mein-modell" in message
    assert said in message


def test_every_field_has_a_rule_and_the_packages_models_keep_them() -> None:
    assert set(RULES) == {"name", *FIELD_NAMES}
    assert "price_cny" in OPTIONAL
    assert [problem for model in catalog.load().values() if (problem := problem_of(model))] == []


# What TOML can say, as it says it.
scalars = st.one_of(
    st.sampled_from(["nan", "inf", "-inf", "-0.0", "1e308", "5e-324", "true", "false", "07:32:00", "1979-05-27"]),
    st.sampled_from(["1979-05-27T07:32:00Z", "0", "-1", "1", "999999999999999999999", "''", '"1024*1024"', '"/r"']),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("abc*1/\u4e2d-. ", max_size=6).map(lambda text: f'"{text}"'),
)
keys = st.sampled_from(["input", "output", "up_to_input_tokens", "beijing", "singapore", "720P", '"1*1"'])
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(keys, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        ),
    ),
    max_leaves=6,
)


def check_model(home: Path, field: str, value: str, name: str) -> None:
    """Any value is refused in our words, or good for everything that is made of it."""
    own = "" if name in catalog.load() else "\n".join(line for line in NEW.splitlines() if line.split()[0] != field)
    (home / "models.toml").write_text(f'[models."{name}"]\n{own}\n{field} = {value}\n', encoding="utf-8")
    try:
        models = catalog.load(home)
    except SetupError:
        return
    model = models[name]
    for kind in model.kinds:
        assert models.find(name, kind).retired(date(2026, 6, 1)) in (True, False)
    for region in ("beijing", "singapore") if "text" in model.kinds else ():
        assert (cost_cny(TextContext(prices=prices_of(model, region)), 10, 10) or 0) >= 0
    assert models.successor_of(model) is None or model.successor


@pytest.mark.slow
@given(
    field=st.sampled_from(["like", "kind", *FIELD_NAMES]), value=values,
    name=st.sampled_from(["new", "wan2.2-t2i-flash", "qwen-plus", "wan2.1-t2v-turbo"]),
)  # fmt: skip
def test_any_value_in_any_field(field: str, value: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        check_model(Path(home), field, value, name)


@pytest.mark.slow
@given(table=st.sampled_from(["budget", "a"]), key=st.sampled_from(["day_cny", "month_cny", "b"]), value=values)
def test_any_value_in_any_setting(table: str, key: str, value: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "settings.toml").write_text(f"[{table}]\n{key} = {value}\n", encoding="utf-8")
        try:
            found: dict[str, Any] = budgets(Path(home))
        except SetupError:
            return
        assert all(0 <= amount < float("inf") for amount in found.values())
