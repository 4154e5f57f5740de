"""The toolkit from Python: the same engine, journal and rules as the scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bailian.batch.default_fields import DefaultFields
from bailian.batch.input.row_schema import form_of
from bailian.batch.input.rows import BatchRow
from bailian.batch.plan import planned
from bailian.catalog import load
from bailian.config.settings import Settings, home_folder, read_settings
from bailian.engine.engine import Engine
from bailian.engine.job import OutputSpec
from bailian.engine.step import Outcome
from bailian.errors import InvalidRequest
from bailian.files import naming
from bailian.files.outputs import place_of, refuse_existing
from bailian.i18n import tr
from bailian.inputs.lookup import Inputs
from bailian.modalities import modality_of
from bailian.types import Prepared


def text2image(
    prompt: str,
    *,
    timeout_s: float,
    output: Path | str = "outputs",
    name: str = naming.DEFAULT_TEMPLATE,
    settings: Settings | None = None,
    use_successor: bool = False,
    **fields: Any,
) -> Outcome:
    """Make pictures and save them.

    Args:
        prompt: 1 to 800 characters (newer models: more).
        timeout_s: seconds for everything; what still runs then is left running and can be fetched later.
        output: folder for the files, made if absent; or the file ("cat.png"), which must not exist.
        name: template of the file names, see README.
        settings: key, host and home; by default from the environment.
        use_successor: send the successor of a model that is retired; without it a model is sent as named.
        fields: model, size ("W*H"), n, negative_prompt, seed, prompt_extend, watermark; of models that have them
            thinking, prompt_extend_mode, palette, set, interleave.

    Returns:
        `files` in the order of the pictures, `job.notices`, `job.charged_cny`; with some pictures failed, `error` too.

    Raises:
        InvalidRequest: refused before anything was sent.
        BailianError: whatever else kept all pictures from being made, with advice and, where there is one, the task id.
    """
    return _made("image", {"prompt": prompt, **fields}, timeout_s, output, name, settings, use_successor=use_successor)


def text2video(
    prompt: str = "",
    *,
    timeout_s: float,
    output: Path | str = "outputs",
    name: str = naming.DEFAULT_TEMPLATE,
    settings: Settings | None = None,
    use_successor: bool = False,
    **fields: Any,
) -> Outcome:
    """Make a film from a text, and from pictures, films and sounds, and save it.

    Args:
        prompt: what is to be seen; not needed where a picture or film goes in and the model has no need of it.
        fields: those of a row of a batch: model, image, last_frame, references (files, or {"file": …, "voice": …}),
            video, continue_, audio, no_audio, ratio, size ("720P"), duration, …; a file is a path or a URL.
        timeout_s, output, name, settings, use_successor: as of `text2image`.

    Returns:
        `files` with the film, `job.notices`, `job.charged_cny`.

    Raises:
        InvalidRequest: refused before anything was sent.
        BailianError: whatever else kept the film from being made.
    """
    form = form_of("video")
    given = {key: _plain(value) for key, value in {"prompt": prompt, **fields}.items()}
    row = form.with_lists(form.modality.from_config(given))
    return _made("video", row, timeout_s, output, name, settings, use_successor=use_successor)


def _plain(value: Any) -> Any:
    """Return a field as JSON has it: a path is a text."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return str(value) if isinstance(value, Path) else value


def _made(
    kind: str,
    fields: dict[str, Any],
    timeout_s: float,
    output: Path | str,
    name: str,
    settings: Settings | None,
    *,
    use_successor: bool,
) -> Outcome:
    if not timeout_s > 0:  # NaN is in no range
        raise InvalidRequest.one("timeout_s", tr(f"{timeout_s} is not above 0", f"{timeout_s} 应大于 0"), advice="")
    here = settings or read_settings()
    catalog = load(home_folder(), use_successor=use_successor)
    prepared = planned(
        BatchRow(kind, fields), catalog, here.region, Inputs(here.home), DefaultFields(here.defaults)
    ).prepared
    naming.check_template(name)
    saving = _saving(output, name, prepared)
    with Engine(here, catalog) as engine:
        job = engine.intend(prepared, saving)
        (outcome,) = engine.run([job], timeout_s=timeout_s)
    if outcome.error is not None and not outcome.files:
        raise outcome.error
    return outcome


def _saving(output: Path | str, name: str, prepared: Prepared) -> OutputSpec:
    """Return where the results go, as `-o` says it."""
    place = place_of(output, modality_of(prepared.model.kind).FILE_SUFFIXES)
    if place.folder is None:
        raise InvalidRequest.one(
            "output",
            tr("stdout is no place for files here", "此处不能输出到 stdout"),
            advice=tr("name a folder or a file", "请指定目录或文件"),
        )
    refuse_existing(place.files(prepared.count))
    return OutputSpec(place.folder.absolute(), name, stem=place.stem, suffix=place.suffix)
