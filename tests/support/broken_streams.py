"""Streams that take nothing, as pipes, disks and terminals break. Imports nothing else: child processes use it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

WELL, GONE, FULL, CLOSED, HUNG_UP = (
    "well",
    "its reader has gone",
    "its disk is full",
    "closed",
    "its terminal is closed",
)


def broken(kind: str, number: int) -> None:
    """Make this process's stdout (1) or stderr (2) as broken as `kind` says."""
    with stream(kind) as end:
        os.dup2(end, number)
    if kind == CLOSED:
        os.close(number)
        setattr(sys, {1: "stdout", 2: "stderr"}[number], None)


@contextmanager
def stream(kind: str) -> Iterator[int]:
    """Give a descriptor to write to that is as broken as `kind` says; a closed one is the taker's to close."""
    if kind == GONE:
        read_end, end = os.pipe()
        os.close(read_end)
    elif kind == HUNG_UP:
        master, end = os.openpty()
        os.close(master)
    else:
        end = os.open("/dev/full" if kind == FULL else os.devnull, os.O_WRONLY)
    yield end
    os.close(end)
