"""What every test may count on: where the house is, the key of the sandbox, the day, and how fast time goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bailian import clock

ROOT = Path(__file__).parents[2]
KEY = "sk-test-0123456789abcdef"
SEED_DAY = date(2026, 6, 1)
"""Every model that the seed document names lives, and no end is near. Tests of later days say which."""
FAST = 0.02
"""Pauses in tests are this part of the real ones."""
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def run_on(day: date, monkeypatch: pytest.MonkeyPatch, pause_scale: float = FAST) -> None:
    """Let the rest of a test run on another day."""
    monkeypatch.setattr(clock, "_current", replace(clock.current_clock(), today=day, pause_scale=pause_scale))
