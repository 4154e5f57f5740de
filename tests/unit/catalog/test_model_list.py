"""The service's own list of models: every page of it, or an error; and its difference as a table that loads."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bailian.catalog import Catalog, load
from bailian.errors import ServiceError, TransportError
from bailian.selftest.models_diff import as_toml, difference
from bailian.service.model_list import ListedModel, list_models
from bailian.service.transport.http import Http, Reply

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TODAY = date(2026, 11, 28)


class Pages(Http):
    """Answers each page with what it was given."""

    def __init__(self, *bodies: Any, status: int = 200) -> None:
        self.bodies, self.status = list(bodies), status
        self.asked: list[Mapping[str, Any]] = []

    def send(self, method: str, path: str, **how: Any) -> Reply:
        assert (method, path) == ("GET", "/models")
        self.asked.append(how["params"])
        body = self.bodies.pop(0)
        return Reply(self.status, {}, json.dumps(body), body if isinstance(body, dict) else None)


def page(total: int, *names: str, **row: Any) -> dict[str, Any]:
    models = [{"model": name, **row} for name in names]
    return {"success": True, "output": {"total": total, "page_no": 1, "page_size": 100, "models": models}}


def test_all_pages_are_read() -> None:
    """Until as many rows have come as were announced; a row that moved to the next page meanwhile counts once."""
    http = Pages(page(5, "a", "b"), page(5, "b", "c"), page(5, "d"))
    assert [one.name for one in list_models(http)] == ["a", "b", "c", "d"]
    assert [asked["page_no"] for asked in http.asked] == [1, 2, 3]


def test_one_name_is_asked_for() -> None:
    http = Pages(page(1, "qwen-plus"))
    assert [one.name for one in list_models(http, "qwen-plus")] == ["qwen-plus"]
    assert http.asked[0]["model"] == "qwen-plus"
    assert list_models(Pages(page(0)), "gone") == []


def test_a_row_is_read_for_what_it_says() -> None:
    """Numbers that are none say nothing; what is left out is not made up."""
    row = {
        "name": "通义千问",
        "inference_metadata": {"request_modality": ["Text", "Image", 3], "response_modality": ["Text"]},
        "model_info": {"context_window": 1_000_000, "max_input_tokens": "many", "max_output_tokens": 0},
    }
    (one,) = list_models(Pages(page(1, "qwen9", **row)))
    assert (one.title, one.takes, one.gives) == ("通义千问", ("Text", "Image"), ("Text",))
    assert (one.context_tokens, one.max_input_tokens, one.max_output_tokens) == (1_000_000, None, None)
    (bare,) = list_models(Pages(page(1, "bare", model_info=None, inference_metadata=[])))
    assert (bare.title, bare.takes, bare.context_tokens) == ("", (), None)


@pytest.mark.parametrize(
    "bodies",
    [
        [page(3, "a"), page(3)],
        [{"success": True, "output": None}],
        [{"output": {"models": []}}],
        [{"output": {"total": "1", "models": []}}],
        [{"output": {"total": 1, "models": {"a": 1}}}],
        [{}],
        [{"success": False}],
    ],
)
def test_a_list_that_contradicts_itself_is_no_list(bodies: list[Any]) -> None:
    """Half a list would call half of the models gone."""
    with pytest.raises(TransportError):
        list_models(Pages(*bodies))


def test_rows_without_a_name_are_left_out() -> None:
    body = page(4, "a")
    body["output"]["models"] += [{"model": 3}, {"name": "b"}, "c"]
    assert [one.name for one in list_models(Pages(body))] == ["a"]


@pytest.mark.parametrize("status", [200, 401])
def test_the_services_no_is_our_error(status: int) -> None:
    """A refusal may come under HTTP 200, with `success` false."""
    body = {"success": False, "code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}
    with pytest.raises(ServiceError) as raised:
        list_models(Pages(body, status=status))
    assert (raised.value.code, raised.value.request_id) == ("Unauthorized", "r")


# ── the difference ──


def listed(*changes: ListedModel, without: tuple[str, ...] = (), region: str = "beijing") -> list[ListedModel]:
    """What the catalog has, as the service would list it, but for some."""
    rows = {
        model.wire_name(region): ListedModel(
            model.wire_name(region),
            context_tokens=model.context_tokens,
            max_input_tokens=model.max_input_tokens,
            max_output_tokens=model.max_output_tokens,
        )
        for model in load().values()
        if region in model.regions and not model.unknown_to_service
    }
    rows.update({one.name: one for one in changes})
    return [one for name, one in rows.items() if name not in without]


def catalog() -> Catalog:
    return load(today=date(2026, 6, 1))


def test_no_difference_is_no_table() -> None:
    """Names in other regions' spelling, and names that the vendor never had, are no difference."""
    for region in ("beijing", "singapore"):
        found = difference(catalog(), listed(region=region), region)
        assert (found.new, found.changed, found.unlisted, found.listed_though_retired) == ((), {}, (), ())
        assert len(as_toml(found, "here", TODAY)) == 1


def test_the_difference_is_a_table_that_the_catalog_loads(tmp_path: Path) -> None:
    """Pasted into models.toml, the new model can be used and the changed limit holds."""
    text = ("Text",)
    evil = 'x"]\n[models."wan2.2-t2i-flash"]\nprice_cny = 0.0001\n#'
    rows = listed(
        ListedModel("deepseek-v9", 'Deep\n"Seek"\x7f\x9b', text, text, 200_000, 190_000, 64_000),
        ListedModel("qwen9-plus", "", ("Text", "Image"), text, 10),
        ListedModel(evil, evil, text, text, 1),
        ListedModel("a b", "", text, text),
        ListedModel("qwen-plus", "", text, text, 1_000_000, 997_952, 65_536),
        without=("qwen-long", "wan2.2-t2i-plus"),
    )
    lines = as_toml(difference(catalog(), rows, "beijing"), "https://here/api/v1/models", TODAY)
    written = "\n".join(lines)
    assert all("\n" not in line and line.isprintable() for line in lines)
    assert set(tomllib.loads(written)["models"]) == {"deepseek-v9", "qwen-plus"}
    (tmp_path / "models.toml").write_text(written, encoding="utf-8")
    here = load(tmp_path)
    new = here.find("deepseek-v9", "text")
    assert (new.context_tokens, new.max_input_tokens, new.max_output_tokens) == (200_000, 190_000, 64_000)
    assert new.route == here["qwen-plus"].route
    assert here["qwen-plus"].max_output_tokens == 65_536
    assert here["qwen-plus"].price_cny == load()["qwen-plus"].price_cny
    assert here["wan2.2-t2i-flash"] == load()["wan2.2-t2i-flash"]
    assert "max_output_tokens = 65536  # here: 32768" in lines
    assert '# [models."qwen9-plus"]  # Text, Image → Text' in lines
    assert {"# qwen-long", "# wan2.2-t2i-plus"} <= {*lines}


def test_what_is_listed_though_it_is_retired_is_told() -> None:
    """A date that was postponed: the vendor did so in July."""
    found = difference(load(today=TODAY), listed(), "beijing")
    assert "qwen-turbo" in [model.name for model in found.listed_though_retired]
    assert "# qwen-turbo: 2026-10-10" in as_toml(found, "here", TODAY)
    gone = difference(load(today=TODAY), listed(without=("qwen-turbo",)), "beijing")
    assert "# qwen-turbo: retired on 2026-10-10" in as_toml(gone, "here", TODAY)
