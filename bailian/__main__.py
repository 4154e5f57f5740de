"""`bailian …`, also as `python -m bailian …`."""

from __future__ import annotations

import os

from bailian import door


def main() -> None:
    if "_BAILIAN_COMPLETE" in os.environ:
        from bailian.cli.completion.answers import answer
        from bailian.cli.main import bailian

        answer(bailian)
    else:
        door.run("bailian.cli.main:bailian", "bailian")


if __name__ == "__main__":
    main()
