"""The models that turn texts into vectors, with the service's own rules (EMB)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bailian.sandbox.model_names import ModelName

TEXT_EMBEDDING = "/services/embeddings/text-embedding/text-embedding"


@dataclass(frozen=True)
class EmbeddingRate:
    """What an account may send of a model, where no catalog says so."""

    submit_per_s: float | None = 30.0
    running_limit: int | None = None
    queue_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class EmbeddingModel:
    """One model as the service sees it."""

    texts_max: int
    tokens_max: int
    """Of one text."""
    dimensions: tuple[int, ...]
    """The first one is what an absent `dimension` means."""
    sparse: bool = True
    """Whether `output_type` is known."""
    batches: bool = True
    """Whether batch files may name it."""
    limits: EmbeddingRate = EmbeddingRate()


_LISTS = {3: (1024, 768, 512, 256, 128, 64), 4: (1024, 2048, 1536, 768, 512, 256, 128, 64)}
_FIRST = EmbeddingModel(texts_max=25, tokens_max=2048, dimensions=(1536,), sparse=False)

RULES: Mapping[str, EmbeddingModel] = {
    "text-embedding-v4": EmbeddingModel(texts_max=10, tokens_max=8192, dimensions=_LISTS[4]),
    "qwen3.7-text-embedding": EmbeddingModel(
        texts_max=20, tokens_max=128_000, dimensions=(1024, 2560, 2048, 1536, 768, 512, 256), batches=False
    ),
    "text-embedding-v3": EmbeddingModel(texts_max=10, tokens_max=8192, dimensions=_LISTS[3]),
    "text-embedding-v2": _FIRST,
    "text-embedding-v1": _FIRST,
}


def embedding_models(names: Iterable[ModelName]) -> dict[str, EmbeddingModel]:
    """Return the models of these names, and those of the table that no catalog names."""
    known = {name.name: RULES["text-embedding-v4"] for name in names if "embedding" in name.kinds}
    return {**known, **RULES}
