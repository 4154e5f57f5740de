"""What every test may count on: where the house is, the key of the sandbox, the day, and how fast time goes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bailian.engine import scheduler

ROOT = Path(__file__).parents[2]
KEY = "sk-test-0123456789abcdef"
SEED_DAY = date(2026, 6, 1)
"""Every model that the seed document names lives, and no end is near. Tests of later days say which."""
FAST = 0.02
"""Pauses in tests are this part of the real ones."""
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def shorten_pauses(factor: float = FAST) -> None:
    """Make every pause of this process a part of itself; 1 is as in life."""
    scheduler.PAUSE_FACTOR = factor


def pause_factor() -> float:
    return scheduler.PAUSE_FACTOR
