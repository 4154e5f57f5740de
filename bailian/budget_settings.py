"""What the user lets all processes together spend in a day and in a month, read from where it is set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bailian.errors import SetupError
from bailian.language import say


def read_budgets(home: Path) -> dict[str, Any]:
    """Return the budgets: from the environment, else from `settings.toml` in the home folder (`[budget]`).

    Raises:
        SetupError: what is set is no amount of money.
    """
    kept = _budget_table(home / "settings.toml")
    found = {}
    for name in ("day", "month"):
        variable = f"BAILIAN_{name.upper()}_BUDGET_CNY"
        value = os.environ.get(variable) or kept.get(f"{name}_cny")
        if value is None:
            continue
        try:
            amount_cny = float(value)
        except (TypeError, ValueError):
            amount_cny = -1.0
        if not 0 <= amount_cny < float("inf"):
            raise SetupError(
                say(f"the {name}'s budget is no amount in CNY: {value!r}", f"{name} 预算不是有效金额（元）：{value!r}"),
                advice=f"{variable}=20",
            )
        found[f"{name}_budget_cny"] = amount_cny
    return found


def _budget_table(path: Path) -> dict[str, Any]:
    from bailian import catalog

    try:
        tables = catalog.read_toml(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SetupError(say(f"cannot read {path}: {error.strerror}", f"无法读取 {path}：{error.strerror}")) from None
    except ValueError as error:
        raise SetupError(say(f"{path} is not valid TOML: {error}", f"{path} 不是合法的 TOML：{error}")) from None
    table = tables.get("budget", {})
    if set(tables) - {"budget"} or not isinstance(table, dict) or set(table) - {"day_cny", "month_cny"}:
        raise SetupError(
            say(
                f"{path} has one table, [budget], with day_cny and month_cny",
                f"{path} 只有 [budget] 一个表，含 day_cny 和 month_cny",
            )
        )
    return table
