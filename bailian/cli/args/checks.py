"""What is refused before sending because the user said so: adaptions and cost."""

from __future__ import annotations

from collections.abc import Sequence

from bailian.cli.args.options import SharedOptions
from bailian.cli.output.terminal import money
from bailian.errors import BudgetExceeded, InvalidRequest
from bailian.i18n import tr
from bailian.types import Prepared


def check_strict(prepared: Sequence[Prepared], common: SharedOptions) -> None:
    """Refuse what would be adapted, if `--strict` says so."""
    notices = dict.fromkeys(notice.message for one in prepared for notice in one.notices)
    if common.strict and notices:
        raise InvalidRequest.one(
            "",
            "\n".join(notices),
            advice=tr(
                "--strict refuses what would be adapted: change the request, or leave --strict out",
                "--strict 拒绝需要调整的请求：请修改请求，或去掉 --strict",
            ),
        )


def check_cost(prepared: Sequence[Prepared], common: SharedOptions) -> None:
    """Refuse to spend more than `--max-cost`, or what nobody knows.

    Raises:
        BudgetExceeded: with the cost.
    """
    limit_cny = common.max_cost_cny
    if limit_cny is None:
        return
    for one in prepared:
        if one.estimate_cny is None:
            raise BudgetExceeded(
                tr(
                    f"what {one.model.name} will cost is not known before, so --max-cost cannot be kept",
                    f"{one.model.name} 的费用无法事先得知，无法保证 --max-cost",
                ),
                advice=tr(
                    "leave --max-cost out (a recording's length may be unknown), or put `price_cny` into the user's models.toml",
                    "请去掉 --max-cost（录音时长可能未知），或在用户的 models.toml 中填写 price_cny",
                ),
            )
    total_cny = round(sum(one.estimate_cny or 0 for one in prepared), 6)
    if total_cny > limit_cny:
        raise BudgetExceeded(
            tr(
                f"this may cost {money(total_cny)} CNY, --max-cost is {limit_cny:g}",
                f"可能需要 {money(total_cny)} 元，超过 --max-cost {limit_cny:g} 元",
            ),
            advice=tr("raise --max-cost, or ask for less", "请提高 --max-cost，或减少请求的数量"),
        )
