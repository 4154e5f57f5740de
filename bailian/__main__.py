"""`bailian …`, also as `python -m bailian …`."""

from __future__ import annotations

import os

from bailian.cli import guard
from bailian.cli.main import bailian


def main() -> None:
    if "_BAILIAN_COMPLETE" in os.environ:
        from bailian.cli.completion.answers import answer

        answer(bailian)
    else:
        guard.main(bailian, "bailian")


if __name__ == "__main__":
    main()
