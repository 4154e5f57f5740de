"""`bailian models`: what can be called, with its limits and its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from bailian.catalog import KINDS, Model, load, script_of
from bailian.language import say


@click.command(help=say("List the models, or show everything about one.", "列出模型，或显示某个模型的全部信息。"))
@click.argument("name", required=False)
@click.option("--kind", type=click.Choice(KINDS), help=say("Only this kind.", "只列出该类模型。"))
@click.option("--json", "as_json", is_flag=True, help=say("JSON on stdout.", "输出 JSON。"))
def models(name: str | None, kind: str | None, as_json: bool) -> None:
    from bailian.cli.table import print_table
    from bailian.cli.terminal import write_json
    from bailian.settings import home_folder

    catalog = load(home_folder())
    if name is not None:
        _show_one(catalog.find(name), as_json)
        return
    chosen = [model for model in catalog.values() if kind in (None, model.kind)]
    if as_json:
        write_json({"models": [known(model) for model in chosen]})
    else:
        print_table([_brief(model) for model in chosen])


def known(model: Model) -> dict[str, Any]:
    """Return every field that says something."""
    return {name: value for name, value in asdict(model).items() if value not in (None, "", (), {}, False)}


def _show_one(model: Model, as_json: bool) -> None:
    from bailian.cli.terminal import write_data, write_json

    if as_json:
        write_json(known(model))
        return
    for name, value in known(model).items():
        write_data(f"{name:26} {_plain(value)}")
    write_data(f"{'script':26} {script_of(model.kind)}")


def _brief(model: Model) -> dict[str, Any]:
    return {
        "model": model.name,
        "kind": model.kind,
        "price (CNY)": f"{_plain(model.price_cny)} / {model.price_unit}" if model.price_cny is not None else "",
        "n": f"1-{model.n_max}" if model.n_max > 1 else "1",
        "sizes": _sizes(model),
        "submit/s": f"{model.submit_per_s:g}" if model.submit_per_s else "",
        "running": model.running_limit,
        "note": _life(model),
    }


def _sizes(model: Model) -> str:
    if model.sizes:
        return say(f"{len(model.sizes)} fixed", f"固定 {len(model.sizes)} 种")
    if model.side_px:
        return f"{model.side_px[0]}-{model.side_px[1]} px"
    if model.size_tiers:
        return " ".join(model.size_tiers)
    return ""


def _life(model: Model) -> str:
    if model.unknown_to_service:
        return say("not listed by the service", "服务未列出")
    if model.retired_on:
        return say(f"retired {model.retired_on}", f"{model.retired_on} 下线") + (
            f" → {model.successor}" if model.successor else ""
        )
    return f"→ {model.successor}" if model.successor else ""


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value)
    return f"{value:.7f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
