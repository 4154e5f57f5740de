"""Readers of what users write: texts in any encoding, JSON, tables, cells, sizes. Each reads it, or raises our error."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

from bailian.batch.input.reader import read_rows
from bailian.batch.plan import plan_each
from bailian.cli.args.config_file import holds_many, read_request
from bailian.errors import InvalidRequest, SetupError
from bailian.inputs.lookup import Inputs
from bailian.modalities.picture.image import ImageRequest
from bailian.modalities.rules import fields, sizes, values
from bailian.modalities.rules.texts import sendable
from bailian.text import characters, toml_files
from bailian.text.decoding import NotText, decoded, read_text
from bailian.text.json_text import NotJson, loaded
from bailian.types import Input
from tests.fuzz.file_readers import folder
from tests.fuzz.mutations import odd_bytes
from tests.fuzz.readers import CATALOG, Reader

ENCODINGS = (
    "utf-8",
    "utf-8",
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "gb18030",
    "big5",
    "shift_jis",
    "cp1252",
)
# fmt: off
SLIPS = (
    '"', "'", "“", "，", "：", "\\", "\\u", "{", "}", "[", "]", ",", ":", "//", "/*", "#", "|", "\\|", ";", "\t", "\r",
    "\n", "True", "None", "NaN", "-Infinity", "nan", "42.0", "1e400", "yes", "\x00", "\x0b", "\x0c", "\x1b[31m",
    "\u2028", "\ufeff", "\u200b", "\u2800", "\ud83d", "👨", "é", "Ԫ", "猫", "", "", "sep=;", "Unnamed: 0", "16:9",
    "720P", "*", "prompt", "image", "seed", "https://x/a.jpg?a|b", "C:\\temp", "id", "n", "kind", "matrix", "defaults",
    "9" * 400,
)
# fmt: on
TEXTS = [
    "一只可爱的猫，坐在窗台上\n看夕阳\n",
    "A cat on the sill.\r\nIt looks at the sun.\x0c",
    "一隻可愛的貓咪",
    "Кошка, naïve, 通知 联通",
]
JSON = [
    '{"model": "wan2.2-t2i-flash", "input": {"prompt": "猫"}, "parameters": {"size": "16:9", "n": 2.0, "seed": 5}}',
    '{"image_tasks": [{"prompt": "猫", "watermark": "yes", "matrix": {"n": [1, 2]}}], "defaults": {"size": "1024*1024"}}',
    '[{"kind": "speech", "text": "你好"}, {"kind": "text", "prompt": "问", "stop": ["完"], "temperature": "0.5"}]',
    '{"kind": "image_edit", "prompt": "换色", "image": ["https://x/a.png"]}\n{"kind": "video", "prompt": "海", "size": "720P"}\n',
]
TABLES = [
    "kind,prompt,size,n,seed\nimage,猫,16:9,2.0,\nimage,狗,512x512,1,7\n",
    ',prompt,watermark\n0,猫,TRUE\n1,"狗\n\n""引号""",no\n',
    "sep=;\nprompt;image;kind\n换色;https://x/a.jpg?imageView2|imageslim|https://x/b.png;image_edit\n",
    "id\tprompt\tn\nα\t猫\t3\n",
]


def odd_text(data: bytes, chance: random.Random) -> bytes:
    """Put slips of people and programs into a text, save it in some encoding, now and then break its bytes."""
    text = data.decode("utf-8", "replace")
    for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
        start = chance.randrange(len(text) + 1)
        end = start + chance.choice((0, 0, 0, 1, 1, 5))
        text = text[:start] + chance.choice(SLIPS) + text[end:]
    made = text.encode(chance.choice(ENCODINGS), "replace")
    return odd_bytes(made, chance) if chance.random() < 0.2 else made


def written(name: str, data: bytes) -> Path:
    path = folder() / name
    path.write_bytes(data)
    return path


def read_a_text(data: bytes) -> None:
    """As a file, and as a prompt: what is sent has neither a BOM before it nor signs that are refused."""
    with suppress(NotText):
        found = decoded(data, "a")
        assert read_text(written("text.txt", data)).remark.replace(str(folder() / "text.txt"), "a") == found.remark
        text, notices = sendable(found, "a")
        assert not characters.refusal(text)
        assert not text.startswith("\ufeff")
        text.encode("utf-8")
        problems = fields.check_prompt("prompt", text, 800)
        assert bool(problems) == (characters.is_blank(text) or len(text) > 800)
        assert all(notice.message for notice in notices)


def read_json(data: bytes) -> None:
    """The parser's words are replaced by ours, with a place that is in the text."""
    text = data.decode("utf-8", "surrogatepass" if data.isascii() else "replace")
    try:
        loaded(text)
    except NotJson as found:
        _check(found, text)
    except ValueError as other:
        _said(other)


def _check(found: NotJson, text: str) -> None:
    assert 1 <= found.line <= text.count("\n") + 1
    assert found.column >= 1
    assert found.shown.endswith("^")
    assert found.placed()


def _said(other: ValueError) -> None:
    assert str(other)


def read_config(data: bytes) -> None:
    path = written("a.json", data)
    holds_many(path)
    with suppress(InvalidRequest):
        read_request(path)


def rows_reader(name: str) -> Any:
    """Return a reader of rows, to the request that would be sent."""

    def read(data: bytes) -> None:
        rows = read_rows(written(name, data), None, models=CATALOG)
        with suppress(InvalidRequest):
            inputs = Inputs(folder(), lambda _field, word, _home: Input(word))
            for planned in plan_each(rows, CATALOG, "beijing", inputs):
                json.dumps(planned.prepared.stored().to_json(), allow_nan=False).encode()

    return read


def read_values(data: bytes) -> None:
    """One cell, word or value, as every type of field."""
    text = data.decode("utf-8", "replace")
    for annotation in (bool, int, float, str, list[str], list[int], int | None):
        wanted = values.wanted(annotation)
        found = values.cell(text, wanted)
        assert values.read(found, wanted) == found or found != found
        assert not wanted.is_list or isinstance(found, list)
    for model in (CATALOG["wan2.2-t2i-flash"], CATALOG["qwen-image"], CATALOG["wan2.1-t2v-turbo"]):
        size, notices = sizes.resolved(model, text)
        assert not notices or fields.parse_size(size)
    with suppress(InvalidRequest):
        assert isinstance(fields.parse(ImageRequest, {"prompt": text, "n": text}).n, int)


def read_models(data: bytes) -> None:
    with suppress(SetupError):
        toml_files.read_toml(written("a.toml", data))


WORDS = [
    "42.0",
    "yes",
    "a.png|https://x/b.png?c|d",
    "16:9",
    "１０２４＊７６８",
    "720p 9:16",
    "1024 x 768",
    "true",
    "-0.5e3",
    "9" * 40,
]
READERS: dict[str, Reader] = {
    "texts": Reader(read_a_text, [text.encode() for text in TEXTS], odd_text),
    "json": Reader(read_json, [text.encode() for text in JSON], odd_text),
    "config": Reader(read_config, [text.encode() for text in JSON], odd_text),
    "json rows": Reader(rows_reader("rows.json"), [text.encode() for text in JSON], odd_text),
    "json lines": Reader(rows_reader("rows.jsonl"), [text.encode() for text in (JSON[0], JSON[3])], odd_text),
    "tables": Reader(rows_reader("rows.csv"), [text.encode() for text in TABLES], odd_text),
    "values": Reader(read_values, [text.encode() for text in WORDS], odd_text),
    "toml": Reader(read_models, ['[models."中"]\nn_max = 3\nsizes = ["1*1"]\n'.encode()], odd_text),
}
