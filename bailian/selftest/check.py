"""One self test: everything that is free, then what costs money; and its report."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from bailian import __version__
from bailian.config.settings import Settings
from bailian.engine.engine import Engine
from bailian.selftest import bad_sizes, questions, real_calls
from bailian.selftest.compared import Finding, State
from bailian.selftest.purse import Purse

STATES: tuple[State, ...] = ("same", "differs", "skipped", "unanswered")


@dataclass(frozen=True)
class Report:
    """What was found, without secrets: neither key nor account."""

    host: str
    region: str
    sandbox: bool
    day: str
    limit_cny: float
    spent_cny: float
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> Counter[str]:
        return Counter(one.state for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "selftest": 1,
            "toolkit": __version__,
            "python": platform.python_version(),
            "system": platform.system(),
            "day": self.day,
            "host": self.host,
            "region": self.region,
            "sandbox": self.sandbox,
            "max_cost_cny": self.limit_cny,
            "spent_cny": self.spent_cny,
            "counts": {state: self.counts[state] for state in STATES},
            "facts": [one.to_json() for one in self.findings],
        }


def run(engine: Engine, limit_cny: float, folder: Path, told: Callable[[Finding], None]) -> Report:
    """Check the service; `told` hears of each fact as it is known.

    Raises:
        BailianError: the key is refused, or nobody answers: nothing else can be checked.
    """
    purse = Purse(limit_cny, f"selftest:{token_hex(4)}")
    engine.limit_run(purse.run, limit_cny)
    findings = []
    for finding in _all(engine, purse, folder):
        clean = without_secrets(finding, engine.settings)
        findings.append(clean)
        told(clean)
    here = engine.settings
    return Report(
        here.host,
        here.region,
        here.sandbox,
        str(engine.catalog.today),
        limit_cny,
        purse.spent_cny,
        tuple(findings),
    )


def _all(engine: Engine, purse: Purse, folder: Path) -> Iterator[Finding]:
    turn = engine.services.query_turn
    yield from questions.answers(engine.settings, turn)
    yield from questions.listed_models(engine.settings, engine.catalog, turn)
    for finding in bad_sizes.refusals(engine, purse, folder):
        purse.pay(finding.cost_cny)
        yield finding
    yield from real_calls.calls(engine, purse, folder)


def without_secrets(finding: Finding, here: Settings) -> Finding:
    """Return a finding in which the key does not stand, whoever has put it into a message."""
    key = here.api_key.reveal() if here.api_key else ""

    def clean(value: Any) -> Any:
        return value.replace(key, "…") if key and isinstance(value, str) else value

    return Finding(
        finding.id,
        finding.state,
        finding.subject,
        {name: clean(value) for name, value in finding.expected.items()},
        {name: clean(value) for name, value in finding.found.items()},
        clean(finding.note),
        finding.cost_cny,
        finding.update,
    )
