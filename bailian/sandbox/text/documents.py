"""Files that a text model shall read: `fileid://…` in what the system says (page long-context-qwen-long)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bailian.sandbox.http.refusals import invalid
from bailian.sandbox.storage.file_store import EXTRACT, FileStore
from bailian.sandbox.text.tokens import count_tokens

QUOTED_CHARS = 40
READER = "qwen-long"
"""Only the models of this name read files."""

_FILE_ID = re.compile(r"fileid://([\w-]+)")


@dataclass(frozen=True)
class Document:
    """One file as the model gets to see it."""

    name: str
    tokens: int
    begins: str


def file_ids_of(model: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the files that these texts name."""
    if not model.startswith(READER):
        return ()
    return tuple(found for text in texts for found in _FILE_ID.findall(text))


def documents_of(file_ids: Sequence[str], files: FileStore) -> tuple[Document, ...]:
    """Return the files.

    Raises:
        Refusal: one is not there, or not for reading (ERR).
    """
    documents: list[Document] = []
    for file_id in file_ids:
        file = files.get(file_id)
        if file is None or file.purpose != EXTRACT:
            raise invalid(f"Invalid file [id:{file_id}].")
        text = file.data.decode("utf-8", "replace")
        documents.append(Document(file.name, count_tokens(text), " ".join(text.split())[:QUOTED_CHARS]))
    return tuple(documents)


def in_words(document: Document, *, chinese: bool) -> str:
    if chinese:
        return f"文件《{document.name}》的开头是：“{document.begins}”。"
    return f'The file "{document.name}" begins: "{document.begins}".'
