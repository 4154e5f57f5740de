"""A moment as people say it: 7d, 12h, or a day of the calendar."""

from __future__ import annotations

import re
import time
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from bailian.clock import current_clock
from bailian.i18n import tr

UNITS_S = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
MOST_S = 100 * 366 * 86400
_AGO = re.compile(r"([0-9]{1,6})\s*([mhdw])")


if TYPE_CHECKING:
    _Moment = click.ParamType[float]
else:  # generic since click 8.4
    _Moment = click.ParamType


class Since(_Moment):
    """`7d`, `12h`, `30m`, `2w`, or `2026-11-01`: seconds since the epoch."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        ago = _AGO.fullmatch(str(value).strip().lower())
        if ago and (ago_s := int(ago[1]) * UNITS_S[ago[2]]) <= MOST_S:
            return current_clock().wall() - ago_s
        try:
            day = date.fromisoformat(str(value).strip())
            return time.mktime(datetime(day.year, day.month, day.day).timetuple())
        except (ValueError, OverflowError):
            self.fail(
                tr(
                    f"{value!r} is no time such as 7d, 12h, 30m, 2w or 2026-11-01",
                    f"{value!r} 不是时间，可写作 7d、12h、30m、2w 或 2026-11-01",
                ),
                param,
                ctx,
            )


SINCE = Since()
