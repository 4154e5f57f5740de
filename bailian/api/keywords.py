"""The keywords of the functions: what is common to all, and the fields of each kind of request."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Union

if TYPE_CHECKING:
    from bailian.config.settings import Settings

File = Union[str, bytes, "os.PathLike[str]"]
"""A path, a link, `data:…`, or the bytes themselves."""
Files = Union[File, Sequence[File]]  # noqa: UP007 - `|` does not go with a name in quotes


@dataclass(frozen=True)
class Progress:
    """A change of a request that is under way."""

    status: str
    """"WAITING", "SUBMITTING", "PENDING", "RUNNING", "DOWNLOADING", or why it waits."""
    model: str
    job_id: str
    task_id: str | None
    elapsed_s: float
    row: str = ""
    """Where it stands in the file, of a batch."""


Told = Callable[[Progress], None]


class Account(TypedDict, total=False):
    """Who asks, and where: what the environment and the settings say is used where these say nothing."""

    settings: Settings
    """All of it at once, as `read_settings` or a `Sandbox` has it."""
    sandbox: bool
    """Default: `BAILIAN_SANDBOX`."""
    region: str
    base_url: str
    workspace: str
    profile: str


class RunOptions(Account, total=False):
    """Of whatever makes something: one request, or a batch."""

    name: str
    """The template of the files' names."""
    sidecar: bool
    """Write a JSON file beside each result."""
    timeout_s: float | None
    """Seconds for everything; what still runs then goes on and can be fetched. None: as long as it takes."""
    max_cost_cny: float
    """Refuse what may cost more; of a batch: all of it, over all its runs."""
    strict: bool
    """Refuse what would be adapted with a notice."""
    use_successor: bool
    """Send the successor of a model that is retired."""
    progress: Told
    """Told of each change, from a thread of the engine."""


class Options(RunOptions, total=False):
    """Of every function."""

    output: str | os.PathLike[str]
    """A folder, or the file itself ("cat.png"), which must not exist. Default: `outputs`, or what the settings say."""


class TaskOptions(Options, total=False):
    """Of functions whose models may run a task."""

    wait: bool
    """False: return when the task exists; `wait` fetches it later."""


class UploadOptions(TaskOptions, total=False):
    upload: bool
    """Local files go by upload, whatever their size."""


class PictureOptions(TaskOptions, total=False):
    """Of pictures that are drawn."""

    model: str
    negative_prompt: str
    size: str
    n: int
    seed: int
    watermark: bool
    prompt_extend: bool
    thinking: bool
    prompt_extend_mode: str
    palette: str
    set: int
    interleave: bool


class EditOptions(UploadOptions, total=False):
    """Of pictures that are edited by an instruction."""

    model: str
    negative_prompt: str
    size: str
    n: int
    seed: int
    watermark: bool
    prompt_extend: bool
    thinking: bool
    prompt_extend_mode: str
    palette: str
    set: int
    interleave: bool
    box: str | Sequence[str]


class WanxOptions(UploadOptions, total=False):
    """Of the ten functions of wanx2.1-imageedit."""

    model: str
    mask: File
    n: int
    seed: int
    watermark: bool
    strength: float
    top_scale: float
    bottom_scale: float
    left_scale: float
    right_scale: float
    upscale_factor: int
    is_sketch: bool
    mask_fix: bool
    mask_from: str
    mask_box: str | Sequence[str]
    mask_ellipse: str | Sequence[str]
    mask_polygon: str | Sequence[str]
    mask_color: str | Sequence[str]
    mask_alpha: bool
    mask_diff: File
    mask_invert: bool
    mask_grow: int
    mask_feather: float


class TextOptions(Options, total=False):
    """Of texts."""

    model: str
    system: str
    messages: Sequence[Mapping[str, Any]]
    """The turns before the prompt."""
    image: Files
    video: Files
    image_max_tokens: int
    ocr: str
    ocr_schema: Mapping[str, Any]
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    stop: str | Sequence[str]
    repetition_penalty: float
    presence_penalty: float
    json_object: bool
    json_schema: Mapping[str, Any] | str
    search: bool
    prefix: str
    thinking: bool
    thinking_budget: int
    go_on: str
    """The job whose answer was cut, to go on from there."""


class FilmOptions(UploadOptions, total=False):
    """Of films; `continue_` is the clip to go on from."""

    model: str
    negative_prompt: str
    size: str
    resolution: str
    ratio: str
    duration: int
    fps: int
    seed: int
    prompt_extend: bool
    watermark: bool
    image: Files
    last_frame: File
    references: File | Sequence[File | Mapping[str, Any]]
    """Files, or `{"file": …, "voice": …}`."""
    reference_voices: Sequence[str]
    reference_types: Sequence[str]
    video: File
    continue_: File
    last_clip: File
    audio: File
    document: File
    link: str
    no_audio: bool
    audio_setting: str
    shots: str
    template: str
    vace: str
    mask: File
    mask_media: str
    mask_frame_id: int
    mask_type: str
    control_condition: str
    strength: float
    expand_ratio: float
    expand_mode: str
    obj_or_bg: Sequence[str]
    top_scale: float
    bottom_scale: float
    left_scale: float
    right_scale: float


class SpeechOptions(Options, total=False):
    """Of a text that is spoken."""

    model: str
    voice: str
    format: str
    sample_rate: int
    volume: int
    rate: float
    pitch: float
    instruct: str
    ssml: bool
    seed: int
    bit_rate: int
    pronounce: Mapping[str, Any] | str
    language: str
    http: bool
    subtitles: str


class TranscriptionOptions(TaskOptions, total=False):
    """Of a recording that is written down."""

    model: str
    fast: bool
    format: str | Sequence[str]
    language: str | Sequence[str]
    context: str | Sequence[Any]
    hot_words: Any
    vocabulary_id: str
    channel_id: int | Sequence[int]
    diarization_enabled: bool
    speaker_count: int
    disfluency_removal_enabled: bool
    timestamp_alignment_enabled: bool
    enable_itn: bool
    enable_words: bool
    audio_format: str
    special_word_filter: Any


class WaitOptions(Account, total=False):
    """Of fetching what was left."""

    output: str | os.PathLike[str]
    """Save there instead of where the request was told to."""
    adopt_for: str
    """The job that has lost this task, or "new": a task that was made elsewhere with this account."""
    timeout_s: float | None
    progress: Told


class BatchRunOptions(RunOptions, total=False):
    """Of a batch."""

    run: str
    """Its name. A batch is known by its file or by this: run again, it goes on, and nothing is paid twice."""
    kind: str
    """Of rows that do not say theirs."""
    output: str | os.PathLike[str]
    """Its folder."""
    upload: bool
    fresh: bool
    """Start over: everything is paid again."""
    retry_failed: bool
    retry_held: bool
    """Send rows again that may be paid already."""
    gallery: bool
    """Write a page with all results. Default: no."""
    results_only: bool
    """Texts stand in `results.jsonl` alone, none in a file of its own."""
    in_flight: int | None
    """Wait for at most so many answers at once, from 1. None: as many as the account allows."""


RUN_FIELDS = frozenset(UploadOptions.__annotations__ | Options.__annotations__)
"""What is no field of a request."""
