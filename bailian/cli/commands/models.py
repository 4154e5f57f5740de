"""`bailian models`: what can be called, with its limits and its price; and what the service's own list says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from bailian.catalog import KINDS, Catalog, Model, load
from bailian.catalog.known_fields import known
from bailian.cli.args.options import account_options, argument, flag, json_option, option
from bailian.cli.help.help_command import HelpCommand
from bailian.i18n import tr
from bailian.instructions import how_to

if TYPE_CHECKING:
    from bailian.config.settings import Settings
    from bailian.service.model_list import ListedModel


@click.command(
    cls=HelpCommand,
    examples=(
        ("--kind video", "--kind video"),
        ("wan2.2-t2i-flash", "wan2.2-t2i-flash"),
    ),
    help=tr("List the models, or show everything about one.", "列出模型，或显示某个模型的全部信息。"),
)
@argument("model_name [NAME]", required=False)
@option(
    "--kind KIND",
    f"Only this kind: {', '.join(KINDS)}.",
    f"只列出该类模型：{'、'.join(KINDS)}。",
    type=click.Choice(KINDS),
)
@flag("--remote", "Ask the service's own list (free).", "查询服务端的模型列表（不产生费用）。")
@flag(
    "--diff",
    "What that list has otherwise, as a table for models.toml.",
    "与服务端列表的差异，可粘贴到 models.toml 中。",
)
@json_option
@account_options
def models(model_name: str | None, kind: str | None, remote: bool, diff: bool, as_json: bool, **account: Any) -> None:
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import print_json
    from bailian.config.settings import home_folder, read_settings

    catalog = load(home_folder())
    if remote or diff:
        _show_remote(catalog, read_settings(**account), model_name, diff=diff, as_json=as_json)
    elif model_name is not None:
        _show_one(catalog.find(model_name), catalog.today, as_json)
    else:
        chosen = list(catalog.values()) if kind is None else catalog.of_kind(kind)
        if as_json:
            print_json({"models": [known(model, catalog.today) for model in chosen]})
        else:
            print_table([_brief(model, catalog.today) for model in chosen], keep=("model", "note"))


PARTED = ("ways",)
"""Fields that are tables of tables: a line each."""


def _show_one(model: Model, today: date, as_json: bool) -> None:
    from bailian.cli.output.terminal import print_data, print_json

    if as_json:
        print_json(known(model, today))
        return
    from bailian.cli.commands.film_model import TOLD_HERE, film_lines

    is_film = "video" in model.kinds
    for name, value in known(model, today).items():
        if is_film and name in TOLD_HERE:
            continue
        for part, own in (value if name in PARTED else {"": value}).items():
            print_data(f"{f'{name} {part}'.strip():26} {_plain(own)}")
    for label, text in film_lines(model) if is_film else ():
        print_data(f"{label:26} {text}")
    if model.unavailable:
        print_data(f"{'note':26} {_unavailable()}")
        return
    print_data(f"{'script':26} {', '.join(how_to().caller(kind) for kind in model.kinds)}")


def _brief(model: Model, today: date) -> dict[str, Any]:
    return {
        "model": model.name,
        "kind": ", ".join(model.kinds),
        "price (CNY)": f"{_plain(model.price_cny)} / {model.price_unit}" if model.price_cny is not None else "",
        "n": f"1-{model.n_max}" if model.n_max > 1 else "1",
        "pictures in": _pictures_in(model),
        "sizes": _sizes(model),
        "submit/s": f"{model.submit_per_s:g}" if model.submit_per_s else "",
        "running": model.running_limit,
        "note": _life(model, today),
    }


def _sizes(model: Model) -> str:
    if model.sizes:
        return tr(f"{len(model.sizes)} fixed", f"固定 {len(model.sizes)} 种")
    if model.side_px:
        return f"{model.side_px[0]}-{model.side_px[1]} px"
    if model.size_tiers:
        return " ".join(model.size_tiers)
    if model.min_pixels and model.max_pixels:
        return " ".join([*model.size_words, f"{model.min_pixels / 1e6:.1f}-{model.max_pixels / 1e6:.1f} MP"])
    return ""


def _pictures_in(model: Model) -> str:
    if not model.images_max:
        return ""
    fewest = 1 if model.images_min is None else model.images_min
    return f"{fewest}-{model.images_max}" if model.images_max > fewest else str(fewest)


def _unavailable() -> str:
    return tr("refused: on the OpenAI-compatible route only", "不可调用：仅在 OpenAI 兼容接口上提供")


def _life(model: Model, today: date) -> str:
    if model.unavailable:
        return _unavailable()
    if model.unknown_to_service:
        return tr("not listed by the service", "服务未列出")
    successor = f" → {model.successor}" if model.successor else ""
    if model.retired(today):
        return tr(f"retired {model.retired_on}", f"已于 {model.retired_on} 下线") + successor
    if model.retired_on:
        return tr(f"retires {model.retired_on}", f"将于 {model.retired_on} 下线") + successor
    return successor.strip()


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value)
    return f"{value:.7f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _show_remote(catalog: Catalog, here: Settings, name: str | None, *, diff: bool, as_json: bool) -> None:
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import print_data, print_json
    from bailian.selftest.models_diff import as_toml, difference

    listed, url = _listed(here, None if diff else name)
    if diff:
        found = difference(catalog, listed, here.region)
        if as_json:
            print_json(found.to_json())
        else:
            for line in as_toml(found, f"{url}/models", catalog.today):
                print_data(line)
        return
    if as_json:
        print_json({"models": [dict(one.wire or {}) for one in listed]})
    elif listed:
        print_table([_remote_brief(one, catalog, here.region) for one in listed])
    if name is not None and not listed:
        from bailian.errors import InvalidRequest

        raise InvalidRequest.one(
            "name",
            tr(f"the service's list has no {name}", f"服务端的模型列表中没有 {name}"),
            advice=tr(
                f"`{how_to().models()} {name}` shows what the catalog knows; the list need not be complete",
                f"`{how_to().models()} {name}` 显示本地目录的信息；服务端列表不一定完整",
            ),
        )


def _listed(here: Settings, name: str | None) -> tuple[list[ListedModel], str]:
    from bailian.cli.chosen_service import service
    from bailian.service.client import Service

    here.require_key()
    with service(here, quiet=True) as there, closing(Service(there)) as asked:
        return asked.list_models(name), there.base_url


def _why_not_here(name: str, catalog: Catalog) -> str:
    if name in catalog.not_callable:
        return tr("not callable yet", "暂不能调用")
    return tr("not in the catalog", "本地目录未收录")


def _remote_brief(one: ListedModel, catalog: Catalog, region: str) -> dict[str, Any]:
    known_here = {model.wire_name(region) for model in catalog.values()}
    return {
        "model": one.name,
        "title": one.title,
        "takes": ", ".join(one.takes),
        "gives": ", ".join(one.gives),
        "context": one.context_tokens,
        "longest answer": one.max_output_tokens,
        "note": "" if one.name in known_here else _why_not_here(one.name, catalog),
    }
