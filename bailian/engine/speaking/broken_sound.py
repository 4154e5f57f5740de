"""A sound whose socket died: what came of it is paid, so it is saved, under a name that says that it is not whole."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bailian.engine.job import Job
from bailian.engine.steps import file_names
from bailian.errors import BailianError
from bailian.files import naming, publishing
from bailian.files.audio import finish_sound
from bailian.files.storage.local_digests import digests_of
from bailian.i18n import tr
from bailian.modalities.audio.speech_answers import sound_form
from bailian.text.storage_path import ResultPath
from bailian.types import Item

MARK = "broken-off"


def save_broken_sound(job: Job, parts: Sequence[Path], error: BailianError) -> None:
    """Save the parts that came as one file beside the name of the whole one, and say so in the error.

    Args:
        job: whose sound it is; one that wants no files gets none.
        parts: sounds as they came, the last one cut short.
        error: why no more came; its message is completed.
    """
    if job.saving.folder is None:
        return
    form = sound_form(job.prepared.body)
    # No sound yet, or no room for it: the error that is on its way says what is wrong.
    with suppress(ValueError, OSError):
        item = Item(0, sound=True, suffix=form.suffix)
        stem = file_names.stem_of(job, item)
        aside = (
            stem.with_name(f".{job.id}.{MARK}") if isinstance(stem, Path) else parts[0].with_name(f"{job.id}.{MARK}")
        )
        finish_sound(parts, aside, form.suffix, form.sample_rate_hz)
        saved = _saved(job, item, aside, stem, form.suffix)
        error.message = tr(
            f"{error.message}; what came of the sound is in {saved}", f"{error.message}；已收到的音频保存在 {saved}"
        )
        error.args = (error.message,)


def _saved(job: Job, item: Item, aside: Path, stem: ResultPath, suffix: str) -> ResultPath:
    """Give the sound its name; return it."""
    if not isinstance(stem, Path):
        from bailian.files.storage.put_results import put_first

        target = stem.with_name(f"{stem.name}.{MARK}.{suffix}")
        final = put_first(aside, target, digests_of(aside), lambda _place: True)
        aside.unlink()
        return final
    plain = file_names.plain_stem(job, item)
    names = (stem.with_name(f"{name}.{MARK}.{suffix}") for name in (stem.name, naming.shorter(stem.name), plain))
    return publishing.publish_first(aside, names)
