"""A made-up service that costs next to nothing: it waits, then answers. For measuring clients with thousands of calls.

Not the sandbox: it checks nothing but the rate, and shares no code with the client or the sandbox. It prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import struct
import sys
import time
import zlib
from collections import Counter, deque
from email.utils import formatdate

TEXT, PICTURE = (
    "/api/v1/services/aigc/text-generation/generation",
    "/api/v1/services/aigc/multimodal-generation/generation",
)


def png() -> bytes:
    """Return a white picture of 8×8."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\xff" * 24) * 8)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Stub:
    """What is asked for, by path, and how many were under way at once."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.port = 0
        self.counts: Counter[str] = Counter()
        self.under_way = self.most_under_way = 0
        self.asked = self.answered = 0
        self.last_s: dict[str, deque[float]] = {TEXT: deque(), PICTURE: deque()}
        self.prompts: Counter[str] = Counter()

    def is_too_much(self, path: str) -> bool:
        """Count in a second that slides: as many as the limit says."""
        per_s = self.given.text_per_s if path == TEXT else self.given.picture_per_s
        now_s, times = time.monotonic(), self.last_s[path]
        while times and now_s - times[0] >= 1.0:
            times.popleft()
        if per_s and len(times) >= per_s:
            return True
        times.append(now_s)
        return False

    def is_in_a_burst(self) -> bool:
        """Refuse some in a row now and then."""
        self.asked += 1
        return bool(self.given.burst_every) and self.asked % self.given.burst_every < self.given.burst_every // 10

    def drops(self) -> bool:
        """Break a connection now and then, when the work is done and its answer is due."""
        self.answered += 1
        return bool(self.given.drop_every) and self.answered % self.given.drop_every == 0

    def answer(self, path: str, body: bytes) -> tuple[int, bytes, float]:
        """Return status, body and after how many seconds."""
        if path == "/stats":
            told = {
                "counts": self.counts,
                "most_under_way": self.most_under_way,
                "most_asked": max(self.prompts.values(), default=0),
                "under_way": self.under_way,
                "prompts": len(self.prompts),
            }
            return 200, json.dumps(told).encode(), 0.0
        if path.startswith("/api/v1/tasks"):
            empty = {"request_id": "r", "data": [], "total": 0, "total_page": 1, "page_no": 1, "page_size": 10}
            return 200, json.dumps(empty).encode(), 0.0
        if path not in self.last_s:
            return 404, b'{"code":"NotFound","message":"no such path"}', 0.0
        if self.is_too_much(path) or self.is_in_a_burst():
            self.counts["429"] += 1
            refusal = {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded", "request_id": "r"}
            return 429, json.dumps(refusal).encode(), 0.0
        self.counts[path.rsplit("/", 2)[-2]] += 1
        lasts_s = self.given.text_s if path == TEXT else self.given.picture_s
        lasts_s = random.uniform(*lasts_s) if len(lasts_s) > 1 else lasts_s[0]
        if path == TEXT:
            self.prompts[json.dumps(json.loads(body)["input"], sort_keys=True)] += 1
            message, usage = (
                {"role": "assistant", "content": "好的，没有问题。"},
                {"input_tokens": 9, "output_tokens": 7},
            )
        else:
            content = [{"image": f"http://127.0.0.1:{self.port}/p.png"}]
            message, usage = {"role": "assistant", "content": content}, {"image_count": 1, "width": 8, "height": 8}
        output = {"choices": [{"finish_reason": "stop", "message": message}]}
        told = {"request_id": f"{random.getrandbits(64):x}", "output": output, "usage": usage}
        return 200, json.dumps(told, ensure_ascii=False).encode(), lasts_s


class Connection(asyncio.Protocol):
    """One connection: a request after the other."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, rest = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        lengths = [int(line.split(":")[1]) for line in lines[1:] if line.lower().startswith("content-length:")]
        if len(rest) < sum(lengths):
            return
        self.data = rest[sum(lengths) :]
        path = lines[0].split(" ")[1].split("?")[0]
        if path == "/p.png":
            self.write(200, png(), "image/png")
            return
        status, body, lasts_s = self.stub.answer(path, rest[: sum(lengths)])
        self.stub.under_way += lasts_s > 0
        self.stub.most_under_way = max(self.stub.most_under_way, self.stub.under_way)
        if lasts_s > 0:
            asyncio.get_running_loop().call_later(lasts_s, self.end, status, body)
        else:
            self.write(status, body)

    def end(self, status: int, body: bytes) -> None:
        self.stub.under_way -= 1
        if self.stub.drops():
            self.transport.abort()  # type: ignore[attr-defined]
        else:
            self.write(status, body)

    def write(self, status: int, body: bytes, kind: str = "application/json") -> None:
        head = f"HTTP/1.1 {status} X\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)  # type: ignore[attr-defined]


async def serve(given: argparse.Namespace) -> None:
    stub = Stub(given)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(stub), "127.0.0.1", 0, backlog=4096)
    stub.port = server.sockets[0].getsockname()[1]
    print(stub.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text-s", type=float, nargs="+", default=[8.0], help="one: always so long; two: in between")
    parser.add_argument("--picture-s", type=float, nargs="+", default=[30.0])
    parser.add_argument("--text-per-s", type=float, default=0.0)
    parser.add_argument("--picture-per-s", type=float, default=0.0)
    parser.add_argument("--burst-every", type=int, default=0, help="of so many requests, a tenth in a row gets a 429")
    parser.add_argument("--drop-every", type=int, default=0, help="one of so many answers does not come")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
