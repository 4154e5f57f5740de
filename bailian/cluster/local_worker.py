"""One worker of `--cluster local:N`: `python -m bailian.cluster.local_worker NAME`. It ends with its scheduler.

Where that is it reads from stdin when it has loaded: the scheduler loads at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading


def main() -> None:
    import distributed  # noqa: F401

    scheduler = sys.stdin.read()
    if scheduler:  # else the command is gone
        # The engine is needed a moment after Dask: load it while that connects.
        threading.Thread(target=_load, daemon=True).start()
        asyncio.run(_serve(scheduler, sys.argv[1]))


def _load() -> None:
    from bailian.cluster import workers  # noqa: F401


async def _serve(scheduler: str, name: str) -> None:
    import dask
    from distributed import Worker

    for logger in ("distributed", "distributed.worker", "distributed.core", "distributed.comm"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # the command says what people have to know
    with dask.config.set({"distributed.worker.profile.enabled": False}):
        worker = Worker(scheduler, nthreads=1, name=name, memory_limit=0, dashboard=False, death_timeout=60)
        async with worker:
            await worker.finished()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
