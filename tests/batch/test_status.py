"""`bailian batch status` and the errors of a run say which row it was, what was asked, and why it is not done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.batches import write
from tests.support.commands import Run

pytestmark = pytest.mark.usefixtures("quick")

REFUSED = "[sandbox:refuse]"


def refused(count: int) -> list[dict[str, Any]]:
    return [{"kind": "text", "prompt": f"{REFUSED} 第{i}只猫在墙上走来走去", "id": f"SKU-{i}"} for i in range(count)]


def test_a_failed_row_is_named_during_the_run_and_after(bailian: Run, box: Sandbox) -> None:
    Path("店铺.jsonl").write_text(
        "\n".join(json.dumps(row) for row in [{"kind": "text", "prompt": "好"}, *refused(1)]), "utf-8"
    )
    named = "line 2 (SKU-0 [sandbox:refuse] 第0只猫…)"
    assert f"{named}:\nerror: Input data may contain" in bailian("batch", "run", "店铺.jsonl", exits=7).err
    ran = bailian("batch", "status", "店铺.jsonl", exits=7)
    assert ran.out.splitlines()[0].startswith("text\tdone\t\t1\t")
    assert f"{named}: failed: DataInspectionFailed: Input data may contain inappropriate content." in ran.err
    assert "  try: the content check refused it" in ran.err
    assert "to go on: bailian batch run '店铺.jsonl'" in ran.err
    assert bailian("batch", "status", "店铺.jsonl", "-q", exits=7).err == ""


@pytest.mark.slow
def test_many_alike_are_one_error(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    bailian("batch", "run", write(refused(130)), exits=7)
    lines = bailian("batch", "status", "all.json", exits=7).err.splitlines()
    assert lines[0].startswith("130 rows failed: DataInspectionFailed: ")
    assert lines[1] == "  [0] (SKU-0 [sandbox:refuse] 第0只猫…)"
    assert "… and 113 more: see outputs/all/failed.jsonl" in lines
    assert len(lines) <= 22
    told = bailian("batch", "status", "all.json", "--json", exits=7).json
    assert (told["failed"], len(told["failed_rows"]), told["failed_rows_max"]) == (130, 100, 100)
    assert told["failed_rows"][3]["label"] == "SKU-3"
    assert told["failed_rows"][3]["error"]["code"] == "DataInspectionFailed"
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    from bailian.i18n import language

    language.cache_clear()
    lines = bailian("batch", "status", "all.json", exits=7).err.splitlines()
    assert lines[0].startswith("130 行失败：DataInspectionFailed：")
    assert "  建议：内容审核未通过：请修改提示词或输入图片" in lines


def test_what_may_be_paid_says_what_to_do(bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault("sync", "reset_after"))
    bailian("batch", "run", write([{"kind": "image", "model": "qwen-image-2.0", "prompt": "猫"}]), exits=7)
    err = bailian("batch", "status", "all.json", exits=7).err
    assert "[0] (猫): held (maybe paid): MaybeSent: " in err
    assert "then `bailian batch run all.json --retry-held` sends them again" in err


def test_what_is_under_way_says_since_when(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write([{"kind": "image", "prompt": "猫"}]), "--no-wait", exits=6)
    err = bailian("batch", "status", "all.json", exits=6).err
    assert "under way: 1, the first sent " in err
    assert bailian("batch", "status", "all.json", "--json", exits=6).json["failed_rows"] == []
