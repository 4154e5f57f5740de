"""The options of a script that runs many rows: a file of them, one a file, one a model. Help texts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.errors import InvalidRequest
from bailian.i18n import tr


@dataclass(frozen=True, kw_only=True)
class RowsOptions:
    """How a script runs many rows, as given."""

    each: str | None = None
    cron: bool = False
    retry_held: bool = False
    on_end: str | None = None
    run: str | None = None

    def refuse_for_one(self) -> None:
        """Refuse what means nothing to a single request.

        Raises:
            InvalidRequest: with the option.
        """
        given = {"cron": self.cron, "retry-held": self.retry_held, "on-end": self.on_end, "run": self.run}
        for name, value in given.items():
            if value:
                raise InvalidRequest.one(
                    name,
                    tr(
                        "belongs to many rows: --each, several models, or a --config with rows",
                        "仅用于多行任务：--each、多个模型，或含多行的 --config",
                    ),
                    advice=tr(f"leave --{name} out", f"请去掉 --{name}"),
                )


NO_ROWS = RowsOptions()


def models_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the models of `--model a,b,c`; none where a request names one or none.

    Raises:
        InvalidRequest: one of them stands there twice.
    """
    word = fields.get("model")
    names = [name.strip() for name in word.split(",")] if isinstance(word, str) and "," in word else []
    found = tuple(name for name in names if name)
    if len(found) < len(names):
        raise InvalidRequest.one("model", tr(f"{word!r} names none at a comma", f"{word!r} 中有空的模型名"), advice="")
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest.one("model", tr(f"{twice} is named twice", f"{twice} 重复出现"), advice="")
    return found
