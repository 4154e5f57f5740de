"""`bailian …`, also as `python -m bailian …`."""

from __future__ import annotations

from bailian.cli import guard
from bailian.cli.main import bailian


def main() -> None:
    guard.main(bailian, "bailian")


if __name__ == "__main__":
    main()
