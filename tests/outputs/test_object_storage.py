"""Results in a real S3: whole or absent, never overwritten, paid once, whatever the store does."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bailian.files import png
from bailian.files.storage import object_store
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.object_storage import (
    BUSY,
    EXPIRED,
    SETTINGS,
    Fault,
    ObjectStorage,
    cut,
    lost_reply,
    moto_server,
    new_bucket,
    proxied,
)
from tests.support.processes import end, posix_only, start_bailian, start_script, until

pytest.importorskip("s3fs")
pytestmark = pytest.mark.slow
CAT = ("可爱猫咪", "--model", "wan2.2-t2i-flash", "--size", "512*512")


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[str, int]]:
    with moto_server() as address:
        yield address


@pytest.fixture
def storage(moto: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStorage]:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with proxied(*moto) as (made, url):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        object_store.let_go()
        yield made
        object_store.let_go()


@pytest.fixture
def bucket(storage: ObjectStorage) -> str:
    return new_bucket(storage)


def rows_file(count: int) -> str:
    rows = [{"prompt": f"第{number}只猫", "size": "512*512", "name": f"p{number}"} for number in range(count)]
    Path("rows.json").write_text(json.dumps({"image_tasks": rows}, ensure_ascii=False), encoding="utf-8")
    return "rows.json"


def pictures(storage: ObjectStorage, bucket: str) -> dict[str, bytes]:
    """Return the pictures of a bucket, all of which are whole."""
    found = {name: data for name, data in storage.objects(bucket).items() if name.endswith(".png")}
    assert all(png.is_complete(data) for data in found.values())
    return found


@pytest.mark.service
def test_a_picture_goes_there_and_is_told_by_its_address(
    text2image: Run, bailian: Run, storage: ObjectStorage, bucket: str
) -> None:
    ran = text2image(*CAT, "-o", f"s3://{bucket}/pets/")
    address = ran.out.strip()
    assert address.startswith(f"s3://{bucket}/pets/")
    assert list(pictures(storage, bucket)) == [address.removeprefix(f"s3://{bucket}/")]
    assert "可爱猫咪" in bailian("show", address).out
    assert list(Path().rglob("*.png")) == []


@pytest.mark.service
def test_a_name_that_is_taken_is_refused_before_anything_is_paid(
    text2image: Run, box: Sandbox, storage: ObjectStorage, bucket: str
) -> None:
    storage.client().pipe_file(f"{bucket}/cat.png", b"mine")
    ran = text2image(*CAT, "-o", f"s3://{bucket}/cat.png", exits=2)
    assert "exists already" in ran.err
    assert (len(box.tasks), storage.objects(bucket)) == (0, {"cat.png": b"mine"})


@pytest.mark.parametrize("word", ["s3://no-such-bucket/pets/", "s3:/half/an/address/", "s3://key:secret@shop/pets/"])
@pytest.mark.service
def test_what_could_not_be_saved_is_refused_before_anything_is_paid(
    text2image: Run, box: Sandbox, storage: ObjectStorage, word: str
) -> None:
    ran = text2image(*CAT, "-o", word, exits=2)
    assert "secret" not in ran.err + ran.out
    assert len(box.tasks) == 0


FAULTS: dict[str, Fault] = {"503": BUSY, "a cut put": cut, "a lost reply": lost_reply}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.service
def test_a_put_that_fails_is_put_once_more(
    text2image: Run, box: Sandbox, storage: ObjectStorage, bucket: str, name: str
) -> None:
    storage.faults.append((".png", FAULTS[name]))
    text2image(*CAT, "-o", f"s3://{bucket}/")
    assert len(pictures(storage, bucket)) == 1
    assert len(box.tasks) == 1


@pytest.mark.service
def test_expired_credentials_keep_the_result_here_and_the_same_command_puts_it(
    bailian: Run, box: Sandbox, storage: ObjectStorage, bucket: str
) -> None:
    """In the middle of a batch: what is paid is kept, what was not sent is not paid."""
    file = rows_file(6)
    words = ("batch", "run", file, "-o", f"s3://{bucket}/made/", "-q", "--yes", "--run", "rows")
    storage.always = (".png", EXPIRED)
    ran = bailian(*words, exits=None)
    assert ran.code not in (0, 2), ran.err
    assert "expired" in ran.err
    paid = len(box.tasks)
    assert pictures(storage, bucket) == {}
    storage.always = None
    bailian(*words)
    assert len(pictures(storage, bucket)) == 6
    prompts = [task.body["input"]["prompt"] for task in box.tasks]
    assert len(prompts) == len(set(prompts)) == 6
    assert paid <= 6


@pytest.mark.service
def test_a_batch_keeps_its_results_and_its_page_there(
    bailian: Run, box: Sandbox, storage: ObjectStorage, bucket: str
) -> None:
    bailian("batch", "run", rows_file(3), "-o", f"s3://{bucket}/made/", "-q", "--yes", "--run", "rows")
    found = storage.objects(bucket)
    lines = [json.loads(line) for line in found["made/results.jsonl"].decode().splitlines()]
    assert sorted(path for line in lines for path in line["files"]) == [
        f"s3://{bucket}/made/p{n}.png" for n in range(3)
    ]
    assert b"p0.png" in found["made/gallery.html"]
    assert any("thumb" in name for name in found)
    # Another batch does not write over it.
    assert bailian("batch", "run", rows_file(2), "-o", f"s3://{bucket}/made/", "--run", "other", exits=2).err


@pytest.mark.service
def test_an_input_comes_from_there(
    image_edit: Run, text2image: Run, box: Sandbox, storage: ObjectStorage, bucket: str
) -> None:
    source = text2image(*CAT, "-o", f"s3://{bucket}/cat.png").out.strip()
    edited = image_edit("改为黑白", "--image", source, "-o", f"s3://{bucket}/edited/").out.strip()
    assert edited.startswith(f"s3://{bucket}/edited/")
    missing = image_edit("改为黑白", "--image", f"s3://{bucket}/none.png", exits=2)
    assert "none.png" in missing.err


@contextmanager
def at_the_put(storage: ObjectStorage) -> Iterator[None]:
    """Let puts of pictures hang: a process that is killed then has one on its way."""
    import threading

    released = threading.Event()
    storage.always = (".png", lambda handler, body: (released.wait(60), handler.reply(*handler.forwarded(body)))[0])
    try:
        yield
    finally:
        storage.always = None
        released.set()


@posix_only
@pytest.mark.process
def test_killed_while_a_result_goes_there_it_is_paid_once_and_there_once(
    bailian: Run, box: Sandbox, storage: ObjectStorage, bucket: str
) -> None:
    """The put that was on its way arrives all the same: the next run knows it again."""
    words = ("batch", "run", rows_file(3), "-o", f"s3://{bucket}/made/", "-q", "--yes", "--run", "rows")
    with at_the_put(storage):
        process = start_bailian(box, *words)
        until(lambda: sum(name.endswith(".png") for name in storage.puts) >= 1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    bailian(*words)
    assert sorted(pictures(storage, bucket)) == [f"made/p{number}.png" for number in range(3)]
    assert len(box.tasks) == 3


@posix_only
@pytest.mark.process
def test_two_that_want_one_name_both_get_a_whole_object(box: Sandbox, storage: ObjectStorage, bucket: str) -> None:
    words = (*CAT[1:], "--name", "cat", "-o", f"s3://{bucket}/", "-q")
    both = [start_script(box, f"{prompt}猫", *words) for prompt in ("黑", "白")]
    assert [end(one).code for one in both] == [0, 0]
    assert sorted(pictures(storage, bucket)) == ["cat-2.png", "cat.png"]


@pytest.mark.service
def test_no_credential_is_kept(text2image: Run, storage: ObjectStorage, bucket: str) -> None:
    text2image(*CAT, "-o", f"s3://{bucket}/", "--sidecar")
    secret = SETTINGS["AWS_SECRET_ACCESS_KEY"].encode()
    kept = [
        path for path in Path(os.environ["BAILIAN_HOME"]).rglob("*") if path.is_file() and secret in path.read_bytes()
    ]
    assert kept == []
    assert all(secret not in data for data in storage.objects(bucket).values())
