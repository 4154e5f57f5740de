"""A batch of embeddings: what is sent, where the vectors go, and that none that is paid is lost or paid twice."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.output.vector_files import HEAD_BYTES
from tests.support.batches import jobs, records, write
from tests.support.commands import Run, run_command
from tests.support.local_web import Answer, LocalWeb, Seen, hang_up, http
from tests.support.setting import KEY

LENGTH = 64
MODELS = '[models."text-embedding-v4"]\nsubmit_per_s = 500\n'


def vector(text: str, length: int = LENGTH) -> list[float]:
    """Return numbers that 32 bits hold and nine digits tell whole, and that tell their text."""
    return [len(text) + i / 64 % 64 for i in range(length)]


def answered(seen: Seen) -> bytes:
    body = json.loads(seen.body)
    texts, length = body["input"]["texts"], body["parameters"].get("dimension", 1536)
    entries = [{"text_index": i, "embedding": vector(text, length)} for i, text in enumerate(texts)]
    if "sparse" in body["parameters"].get("output_type", ""):
        entries = [{**entry, "sparse_embedding": [{"index": 7, "value": 0.5, "token": "风"}]} for entry in entries]
    answer = {"output": {"embeddings": entries}, "usage": {"total_tokens": sum(map(len, texts))}, "request_id": "r"}
    return bytes(http(body=json.dumps(answer).encode())(seen) or b"")


class Service:
    """Answers as the service does, but for the answers of `first`: those come before, one after the other."""

    def __init__(self) -> None:
        self.first: list[Answer] = []
        self.seen: list[Seen] = []

    def __call__(self, seen: Seen) -> bytes | None:
        self.seen.append(seen)
        return self.first.pop(0)(seen) if self.first else answered(seen)

    @property
    def posts(self) -> list[dict[str, Any]]:
        return [json.loads(seen.body) for seen in self.seen if seen.line.startswith("POST")]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text(MODELS, encoding="utf-8")
    with LocalWeb(service) as web:
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", web.url + "/api/v1")
        yield service


@pytest.fixture
def bailian(service: Service) -> Run:
    from bailian.cli.main import bailian as command

    return lambda *words, **how: run_command(command, *words, **{"exits": None, **how})


def row(text: Any, **own: Any) -> dict[str, Any]:
    return {"kind": "embedding", "text": text, "dimension": LENGTH, **own}


def matrix(folder: str = "outputs/all") -> tuple[tuple[int, int], list[tuple[float, ...]], list[dict[str, Any]]]:
    """Read the files as numpy's format has them (NEP 1), without numpy."""
    data = Path(folder, "vectors.npy").read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    assert int.from_bytes(data[8:10], "little") == HEAD_BYTES - 10
    told = eval(data[10:HEAD_BYTES].decode())
    assert (told["descr"], told["fortran_order"]) == ("<f4", False)
    rows, columns = told["shape"]
    assert len(data) == HEAD_BYTES + rows * columns * 4
    found = list(struct.iter_unpack(f"<{columns}f", data[HEAD_BYTES:]))
    lines = Path(folder, "vectors.jsonl").read_text(encoding="utf-8").splitlines()
    return told["shape"], found, [json.loads(line) for line in lines]


def test_vectors_stand_in_the_results(bailian: Run, service: Service) -> None:
    rows = [row(["一", "二二"], id="a"), row("三三三")]
    ran = bailian("batch", "run", write(rows))
    assert (ran.code, ran.out) == (0, "")
    assert "vectors: outputs/all/results.jsonl" in ran.err
    told = records()
    assert [[one["embedding"] for one in each["embeddings"]] for each in told] == [
        [vector("一"), vector("二二")],
        [vector("三三三")],
    ]
    assert [(each["files"], each["text"], each["prompt"]) for each in told] == [
        ([], None, "一\n二二"),
        ([], None, "三三三"),
    ]
    assert [each["cost_cny"] for each in told] == [round(n * 0.0005 / 1000, 6) for n in (3, 3)]
    parameters = {"text_type": "document", "dimension": LENGTH, "output_type": "dense"}
    assert sorted(service.posts, key=lambda body: len(body["input"]["texts"])) == [
        {"model": "text-embedding-v4", "input": {"texts": texts}, "parameters": parameters}
        for texts in (["三三三"], ["一", "二二"])
    ]


def test_a_matrix_has_the_vectors_in_the_order_of_the_file(bailian: Run) -> None:
    rows = [row(["一", "二二"], id="a"), row("三三三"), row(["四四四四"])]
    ran = bailian("batch", "run", write(rows), "--vectors", "npy")
    assert (ran.code, ran.out) == (0, "outputs/all/vectors.npy\n")
    shape, vectors, index = matrix()
    assert shape == (4, LENGTH)
    assert [list(one) for one in vectors] == [vector(text) for text in ("一", "二二", "三三三", "四四四四")]
    assert [(one["vector"], one["text_index"], one["text"], one["label"]) for one in index] == [
        (0, 0, "一", "a"),
        (1, 1, "二二", "a"),
        (2, 0, "三三三", None),
        (3, 0, "四四四四", None),
    ]
    assert [one["row"] for one in index] == [told["row"] for told in records() for _ in range(told["vectors"]["count"])]
    assert [told["vectors"]["first"] for told in records()] == [0, 2, 3]
    assert all(told["embeddings"] is None for told in records())


def test_numpy_reads_the_matrix(bailian: Run) -> None:
    numpy = pytest.importorskip("numpy")
    bailian("batch", "run", write([row(["一", "二二"])]), "--vectors", "npy")
    assert numpy.load("outputs/all/vectors.npy").tolist() == [vector("一"), vector("二二")]


def test_a_finished_batch_gives_its_vectors_once_more_and_pays_nothing(bailian: Run, service: Service) -> None:
    rows = write([row(["一", "二二"]), row("三三三")])
    assert bailian("batch", "run", rows).code == 0
    assert bailian("batch", "run", rows, "--vectors", "npy").code == 0
    assert matrix()[0] == (3, LENGTH)
    assert bailian("batch", "run", rows).code == 0
    assert len(records()[0]["embeddings"]) == 2
    assert len(service.posts) == 2


@pytest.mark.slow
def test_sparse_vectors_stay_in_the_results(bailian: Run) -> None:
    rows = write([row("一", output_type="dense&sparse")])
    assert bailian("batch", "run", rows, "--vectors", "npy").code == 0
    assert matrix()[0] == (1, LENGTH)
    assert records()[0]["embeddings"] == [
        {"text_index": 0, "sparse_embedding": [{"index": 7, "value": 0.5, "token": "风"}]}
    ]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("一"), row("二", dimension=128)], "a matrix holds vectors of one model and one length"),
        ([row("一"), row("二", model="qwen3.7-text-embedding", dimension=256)], "one model and one length"),
        ([row("一", output_type="sparse")], "asks for sparse vectors alone"),
        ([{"kind": "text", "prompt": "好"}], "no embedding rows"),
    ],
)
def test_what_is_no_matrix_is_refused_before_anything_is_sent(
    bailian: Run, service: Service, rows: list[Any], words: str
) -> None:
    ran = bailian("batch", "run", write(rows), "--vectors", "npy")
    assert ran.code == 2
    assert words in ran.err
    assert service.posts == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "lost", [hang_up, http("502 Bad Gateway", b"<html>"), http(body=b'{"output": {"embeddings": []}}')]
)
def test_a_lost_answer_is_asked_for_again(bailian: Run, service: Service, lost: Answer) -> None:
    service.first.append(lost)
    assert bailian("batch", "run", write([row("一")])).code == 0
    assert len(service.posts) == 2
    assert records()[0]["embeddings"][0]["embedding"] == vector("一")


def test_a_failed_row_has_no_vectors_and_the_others_have(bailian: Run, service: Service) -> None:
    service.first.append(http("400 Bad Request", b'{"code": "InvalidParameter", "message": "no", "request_id": "r"}'))
    file = write([row("一"), row("二二")])
    ran = bailian("batch", "run", file, "--vectors", "npy")
    assert ran.code == 7
    shape, vectors, index = matrix()
    assert shape == (1, LENGTH)
    assert list(vectors[0]) == vector(index[0]["text"])
    failed = json.loads(Path("outputs/all/failed.jsonl").read_text(encoding="utf-8"))
    assert failed["kind"] == "embedding"
    assert bailian("batch", "run", file, "--vectors", "npy").code == 0
    assert [one["text"] for one in matrix()[2]] == ["一", "二二"]
    assert len(service.posts) == 3


def test_a_line_a_row_has_the_numbers(bailian: Run) -> None:
    ran = bailian("batch", "run", write([row(["一"])]), "--json")
    (line,) = ran.out.splitlines()
    assert json.loads(line)["output"]["embeddings"] == [{"text_index": 0, "embedding": vector("一")}]


def test_the_journal_keeps_vectors_packed(bailian: Run) -> None:
    bailian("batch", "run", write([row(["一"], dimension=2048)]))
    assert len(jobs()[0]["answer"]) < 2048 * 6


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("all.csv", "kind,text,dimension\nembedding,一|二,64\n"),
        ("all.jsonl", '{"kind": "embedding", "text": "一|二", "dimension": 64}\n'),
        ("all.json", '{"embedding_tasks": [{"text": "一|二", "dimension": "64"}]}'),
        (
            "all.json",
            '{"embedding_tasks": [{"model": "text-embedding-v4", "input": {"texts": ["一|二"]}, "parameters": {"dimension": 64}}]}',
        ),
        (
            "all.json",
            '{"defaults": {"embedding_tasks": {"dimension": 64}}, "embedding_tasks": [{"prompt_file": "a.txt"}]}',
        ),
    ],
)
def test_each_form_of_a_file_says_a_text(bailian: Run, service: Service, name: str, content: str) -> None:
    Path(name).write_text(content, encoding="utf-8")
    Path("a.txt").write_text("一|二\n", encoding="utf-8")
    ran = bailian("batch", "run", name)
    assert ran.code == 0, ran.err
    assert (service.posts[0]["input"], service.posts[0]["parameters"]["dimension"]) == ({"texts": ["一|二"]}, 64)


@pytest.mark.few(1)
@pytest.mark.parametrize("option", [{"output": "a.txt"}, {"name": "{prompt}"}])
def test_a_row_has_no_file_of_its_own(bailian: Run, option: dict[str, str]) -> None:
    ran = bailian("batch", "run", write([row("一", **option)]))
    assert ran.code == 2
    assert "embedding rows have no files of their own" in ran.err


@pytest.mark.slow
def test_what_the_batch_api_does_not_take_is_said_and_counted_whole(bailian: Run) -> None:
    file = write([row("a" * 1000), row("a" * 1000, text_type="query")])
    ran = bailian("batch", "run", file, "--dry-run", "--batch-api")
    told = json.loads(ran.out)
    assert told["cost"]["estimate"] == round(1000 * 0.0005 / 1000 * 1.5, 6)
    assert [notice["code"] for notice in told["notices"]] == ["not_by_batch_api"]
    assert bailian("batch", "run", file, "--dry-run", "--batch-api", "--strict").code == 2


@pytest.mark.slow
def test_vectors_that_cannot_be_written_are_not_lost(bailian: Run, service: Service) -> None:
    Path("outputs/all/vectors.npy").mkdir(parents=True)
    file = write([row("一")])
    ran = bailian("batch", "run", file, "--vectors", "npy")
    assert ran.code == 5
    assert "vectors.npy" in ran.err
    Path("outputs/all/vectors.npy").rmdir()
    assert bailian("batch", "run", file, "--vectors", "npy").code == 0
    assert matrix()[0] == (1, LENGTH)
    assert len(service.posts) == 1


@pytest.mark.slow
def test_a_row_asked_again_prints_its_vectors(bailian: Run, service: Service) -> None:
    """They have no file: nothing is to be fetched of what is paid."""
    bailian("batch", "run", write([row(["一", "二二"])]))
    (job,) = jobs()
    refused = bailian("again", job["id"], "-o", "out.json")
    assert (refused.code, len(service.posts)) == (2, 1)
    ran = bailian("again", job["id"])
    assert ran.code == 0, ran.err
    assert [one["embedding"] for one in ran.json["embeddings"]] == [vector("一"), vector("二二")]
    assert [job["state"] for job in jobs()] == ["done", "done"]
