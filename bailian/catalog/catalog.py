"""Every model as data: `models/KIND.toml` in the package, corrected by `BAILIAN_HOME/models.toml`.

A new model is a table in one of these files, never a branch in the code. A table may say
`like = "other-model"`: it starts from that model's fields and overrides what it names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from bailian.catalog.model import FIELD_NAMES, KINDS, Model
from bailian.catalog.model_tables import (
    PACKAGE_FILES,
    build_model,
    laid_over,
    package_models,
    read_tables,
    tables_of,
)
from bailian.clock import current_clock
from bailian.errors import InvalidRequest, SetupError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.text.toml_files import put_right, read_toml, refused

# A model that draws and edits stands in one of two files.
FILES_TOGETHER = dict.fromkeys(("image", "image_edit"), ("image", "image_edit"))


class Catalog(Mapping[str, Model]):
    """All models by canonical name; `find` also takes the regions' names.

    Args:
        models: in the order in which they are listed.
        today: the day on which retirements are judged; None: the real day, whenever that is asked.
        use_successor: a model that is retired then is exchanged for its successor, because the user says so.
        as_of: the day up to which the facts were read; None: not known.
        rest: reads every model; only those of `kinds` are in `models`, and the others are read when somebody asks for
            one. None: all are there.
        kinds: see `rest`.
    """

    def __init__(
        self,
        models: Iterable[Model],
        today: date | None = None,
        *,
        use_successor: bool = False,
        as_of: date | None = None,
        rest: Callable[[], Catalog] | None = None,
        kinds: Collection[str] = KINDS,
    ) -> None:
        self._today = today
        self.use_successor = use_successor
        self._as_of, self._rest, self._kinds = as_of, rest, kinds
        self._take(models)

    def _take(self, models: Iterable[Model]) -> None:
        every = {model.name: model for model in models}
        self._models = {name: model for name, model in every.items() if model.callable}
        self._not_callable = {name: model for name, model in every.items() if not model.callable}
        self._by_alias = {alias: model for model in self._models.values() for alias in model.aliases.values()}

    def _read_all(self) -> None:
        """Read the models of other kinds, too."""
        if self._rest is not None:
            whole, self._rest = self._rest(), None
            self._as_of, self._kinds = whole._as_of, KINDS
            self._take([*whole._models.values(), *whole._not_callable.values()])

    def _named(self, name: str) -> Model | None:
        """Return the model of this name or alias."""
        found = self._models.get(name) or self._by_alias.get(name)
        if found is None and self._rest is not None:
            self._read_all()
            found = self._named(name)
        return found

    @property
    def as_of(self) -> date | None:
        """Return the day up to which the facts of all models were read."""
        self._read_all()
        return self._as_of

    @property
    def not_callable(self) -> Mapping[str, Model]:
        """Return what is known as data, but cannot be called by this version."""
        self._read_all()
        return self._not_callable

    def __getitem__(self, name: str) -> Model:
        if name not in self._models:
            self._read_all()
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        self._read_all()
        return iter(self._models)

    def __len__(self) -> int:
        self._read_all()
        return len(self._models)

    @property
    def today(self) -> date:
        """Return the day on which retirements are judged."""
        return self._today or current_clock().day()

    def of_kind(self, kind: str) -> list[Model]:
        """Return the models that can be called as this kind."""
        if kind not in self._kinds:
            self._read_all()
        return [as_kind(model, kind) for model in self._models.values() if kind in model.kinds]

    def successor_of(self, model: Model, region: str | None = None) -> Model | None:
        """Return the first living model along the chain of successors that is of the same kind, and offered in that
        region; None: there is none."""
        seen = {model.name}
        while model.successor and model.successor not in seen:
            following = self._named(model.successor)
            if following is None or model.kind not in following.kinds:
                return None
            model = as_kind(following, model.kind)
            if not model.retired(self.today) and region in (None, *model.regions):
                return model
            seen.add(model.name)
        return None

    def find(self, name: str, kind: str | None = None) -> Model:
        """Return the model of that name or alias, as the kind that is asked for.

        Raises:
            InvalidRequest: no such model, or one of another kind; the text names the nearest ones.
        """
        model = self._named(name)
        if model is not None and (kind is None or kind in model.kinds):
            return as_kind(model, kind or model.kind)
        if model is not None:
            scripts = tr(" and ", " 和 ").join(how_to().caller(own) for own in model.kinds)
            raise InvalidRequest.one(
                "model",
                tr(
                    f"{name} is a model for {scripts}, not for {how_to().caller(kind or '')}",
                    f"{name} 应该用 {scripts} 调用，不是 {how_to().caller(kind or '')}",
                ),
            )
        known = [m.name for m in self._models.values() if kind is None or kind in m.kinds]
        if name in self.not_callable:
            raise InvalidRequest.one(
                "model",
                tr(f"this version cannot call {name} yet", f"当前版本尚不能调用 {name}"),
                advice=tr(f"`{how_to().models()}` lists those it can", f"`{how_to().models()}` 列出可以调用的模型"),
            )
        raise InvalidRequest.one(
            "model",
            tr(f"unknown model {name!r}", f"没有名为 {name!r} 的模型") + did_you_mean(name, known),
            advice=tr(
                f"`{how_to().models()}` lists all; a model that is newer than this version goes into "
                f"models.toml in the folder that `{how_to().check()}` names",
                f"`{how_to().models()}` 列出全部模型；比本版本更新的模型可以写进 `{how_to().check()}` 所示文件夹里的 models.toml",
            ),
        )


def as_kind(model: Model, kind: str) -> Model:
    """Return the model as one of its kinds."""
    return model if model.kind == kind else replace(model, kind=kind)


def did_you_mean(word: str, known: Iterable[str], count: int = 3, *, nearness: float = 0.5) -> str:
    """Return "; did you mean a, b?" or the empty string, if nothing is so near (0 to 1, as difflib counts)."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=count, cutoff=nearness)
    if not near:
        return ""
    names = ", ".join(near)
    return tr(f"; did you mean {names}?", f"；您是想用 {names} 吗？")


def load(
    home: Path | None = None, today: date | None = None, *, use_successor: bool = False, kind: str | None = None
) -> Catalog:
    """Read the package's models, then the user's `models.toml` in `home` over them.

    Args:
        home: the folder of the user's file; None: the package's models alone.
        today: see `Catalog`.
        use_successor: see `Catalog`.
        kind: whose models are read at once; the others are read when they are asked for. None: all.

    Raises:
        SetupError: the user's file is not TOML, or has a table that is not a model.
    """
    overlay_path = home / "models.toml" if home else None
    if kind is not None and not (overlay_path and overlay_path.exists()):
        kinds = FILES_TOGETHER.get(kind, (kind,))
        built, as_of = package_models(kinds)
        return Catalog(
            built, today, use_successor=use_successor, as_of=as_of, rest=lambda: load(home, today), kinds=kinds
        )
    overlay = _read_overlay(overlay_path) if overlay_path is not None else {}
    if not overlay:
        built, as_of = package_models(KINDS)
        return Catalog(built, today, use_successor=use_successor, as_of=as_of)
    tables, limits, as_of = read_tables(PACKAGE_FILES)
    for name, table in overlay.items():
        tables[name] = laid_over(tables.get(name, {}), table)
    try:
        every = {name: build_model(name, tables, limits) for name in tables}
    except ValueError as error:
        raise SetupError(f"{overlay_path}: {error}", advice=put_right(overlay_path or PACKAGE_FILES[0])) from None
    for name in overlay:
        _check(every[name], overlay_path or PACKAGE_FILES[0])
    return Catalog(every.values(), today, use_successor=use_successor, as_of=as_of)


def _read_overlay(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables, _ = tables_of(read_toml(path))
    except ValueError as error:
        raise SetupError(f"{path}: {error}", advice=put_right(path)) from None
    for name, table in tables.items():
        for key in table:
            if key != "like" and key not in FIELD_NAMES:
                raise SetupError(
                    tr(f"{path}: model {name} has an unknown field {key!r}", f"{path}：模型 {name} 有未知字段 {key!r}")
                    + did_you_mean(key, FIELD_NAMES),
                    advice=put_right(path),
                )
    return tables


def _check(model: Model, path: Path) -> None:
    """Check a user's model; the package's own are checked by a test."""
    from bailian.catalog.model_rules import problem_of

    problem = problem_of(model)
    if problem is not None:
        field, value, allowed = problem
        raise refused(path, f'[models."{model.name}"] {field}', value, allowed)
