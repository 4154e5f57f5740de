"""What is known of one model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import Enum
from typing import Any

from bailian.catalog.roles import FILM_WAYS, InputLimits, expanded

KINDS = ("image", "image_edit", "wanx_edit", "text", "video", "speech", "transcription", "embedding")


class Mode(str, Enum):
    """How a model is called. The values stand in models.toml and in the journal."""

    TASK = "task"
    """A task is made and asked for."""
    SYNC = "sync"
    """The answer comes with the call."""
    SOCKET = "socket"
    """The answer comes over a socket."""

    def __str__(self) -> str:
        return self.value


MODES = tuple(mode.value for mode in Mode)
PICTURE_WAYS = ("edit", "set", "interleave")
"""Ways of calling a picture model beside plain drawing: with pictures, for a set of them, for a text with pictures."""
SNAPSHOT = re.compile(r"-20\d\d-\d\d-\d\d$")
WAYS = (*PICTURE_WAYS, *FILM_WAYS)


ABILITIES = ("sees", "ocr", "json_schema", "json_thinking", "search", "prefix")
"""What some text models can: pictures go in; OCR by fixed tasks; an answer by a JSON schema, and JSON while it thinks;
web search; going on from a beginning."""
THINKING_DEFAULTS = ("off", "on", "always")


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model. Limits are the seed document's where it has them, else the service's.

    A limit that is absent (`None`, empty) is not checked. Prices are CNY, Beijing region.
    """

    name: str
    kind: str
    """One of `KINDS`: which script runs it, which section of a config file holds it. Of several, the one asked for."""
    kinds: tuple[str, ...] = ()
    """Every kind it can be called as, the usual one first; left out: `kind` alone."""
    mode: Mode
    """"task": POST creates a task that is polled. "sync": the POST's answer is the result."""
    route: str
    """Path of the POST below `/api/v1`, or of the socket below the host."""
    callable: bool = True
    """False: known as data, but this version cannot call it yet. It is listed nowhere and refused by its name."""
    style: str = "prompt"
    """Body shape. Pictures: "prompt" (`input.prompt`), "messages" (`input.messages`) or "images" (`input.prompt`,
    `input.images`). Texts: "prompt", or "parts": `input.messages` whose contents are lists. Films: "prompt", "img_url",
    "first_last_frame", "media", "reference_urls" or "function". Speech: "duplex" (text in pieces on the socket) or
    "text_voice" (`input.text`, `input.voice`). Recognition: "audio" or "input_audio" (the parts of a message), "file_urls" or
    "file_url" (tasks)."""
    parameters: tuple[str, ...] = ()
    """Pictures and films: what the service's page lists, and nothing else is sent; empty: what all pictures have."""
    ways: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """A way of calling it (`WAYS`) → the fields that are different then. A set or interleaving needs its way here."""
    input_sets: tuple[tuple[str, ...], ...] = ()
    """Films: the sets of roles taken, each role in it needed, or optional with a "?" behind it."""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Films: role → the fields of `InputLimits`; in TOML also the name of a table in `limits`, or `like` such a name."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Films: field of a request → the role it has here, where that is not its usual one."""
    together: tuple[Mapping[str, Any], ...] = ()
    """Films: `{roles, max, seconds, with_output_s}`: the most inputs of these roles, their most seconds, and their most
    seconds with the film's own."""
    reference_name: str = ""
    """Films: how a prompt calls the first reference, where that is not 图1."""
    title: str = ""
    regions: tuple[str, ...] = ("beijing",)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Region → the name that region's service knows. Every value is accepted from the user too."""

    sizes: tuple[str, ...] = ()
    """The only sizes taken, "W*H". Empty: see `side_px`, `min_pixels`, `max_pixels`."""
    size_aliases: Mapping[str, str] = field(default_factory=dict)
    """Size the seed allows → size today's service takes instead (sent with a notice)."""
    suggested_sizes: tuple[str, ...] = ()
    """Sizes known to work where the service may refuse others (a notice, not a refusal)."""
    default_size: str = ""
    side_px: tuple[int, int] | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    aspect: tuple[float, float] | None = None
    """Smallest and largest width / height."""
    size_words: tuple[str, ...] = ()
    """Pictures: areas the service takes by name ("1K", "2K", "4K"), beside W*H."""
    size_step_px: int = 8
    """Sides that are worked out are multiples of this."""
    size_kept: bool = True
    """False: that the service keeps to the size is not known, so the dearest price is reckoned with."""
    follows_picture: bool = False
    """Without a size, an edit keeps the last picture's shape at the same price: none is sent for a shape that is not
    known here."""
    size_tiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Video: "720P" → its sizes, none where the shape cannot be chosen; `price_cny` has the same keys."""
    ratios: tuple[str, ...] = ()
    """Video: the shapes taken by name ("16:9")."""
    default_ratio: str = ""
    """"": none is sent unless it is asked for."""

    n_max: int = 1
    seed: bool = True
    prompt_chars: int | None = None
    """Longer prompts are refused."""
    prompt_han_chars: int | None = None
    """The most of Chinese characters alone, where each counts for more than one."""
    prompt_required: bool = True
    """False: what goes in may speak for itself."""
    service_prompt_chars: int | None = None
    """The service cuts the prompt here without a word (a notice)."""
    negative_prompt_chars: int | None = None
    """0: the model has no negative prompt."""
    prompt_extend: bool = True
    """False: the service has no such switch for this model."""
    prompt_extend_modes: tuple[str, ...] = ()
    """How it may extend a prompt, its own default first."""
    extends_usually: bool = True
    """Whether a prompt is extended where nothing is said about it."""

    images_min: int | None = None
    """Fewest pictures that an edit takes: one, unless this says 0: the same call also draws from the text alone."""
    images_max: int = 0
    image_side_px: tuple[int, int] | None = None
    """Sides the service takes."""
    image_advised_px: tuple[int, int] | None = None
    """Sides the vendor advises; others are sent with a notice."""
    image_max_bytes: int | None = None
    image_aspect: tuple[float, float] | None = None
    """Smallest and largest width / height of a picture that goes in."""
    image_formats: tuple[str, ...] = ()
    """The formats taken ("JPEG", "PNG", …); empty: all that the toolkit reads."""
    image_alpha: bool = True
    """False: a picture with transparency is refused."""
    durations_s: tuple[int, ...] = ()
    """Films: 0 is "as long as the input", -1 "the model decides"."""
    region_durations_s: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    default_duration_s: int | None = None
    duration_adapted: bool = False
    """Its only length is made whatever is asked for, with a notice: the seed document asks for others."""
    length_of: str = ""
    """Films: the role whose input says how long the film becomes, where no length is said."""
    silent: bool = False
    """Films: it makes no sound."""
    templates: tuple[str, ...] = ()
    """Films: the effects that can take the place of a prompt."""
    control_conditions: tuple[str, ...] = ()
    """Films: what may be kept of the film that goes in; without "" among them, one must be said."""
    context_tokens: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    thinking: bool = False
    thinking_default: str = ""
    """Text, one that can think: "off" or "on" unless it is told; "always": it cannot be switched off."""
    thinking_budget: bool = True
    """Text, one that can think: how long it thinks can be limited."""
    abilities: tuple[str, ...] = ()
    """Text: what the service documents for it, of `ABILITIES`."""
    sight_max_px: int | None = None
    """Text: a picture that goes in is scaled to this many pixels at most, unless it is told fewer."""
    films_max: int = 0
    """Text: how many films go in."""
    film_s: tuple[int, int] | None = None
    """Text: how long a film that goes in may be."""
    film_frame_max_px: int | None = None
    """Text: a frame of a film that goes in is scaled to this many pixels at most."""
    unavailable: str = ""
    """"compatible": the service has it on the OpenAI-compatible route only, which this toolkit does not call."""
    texts_max: int | None = None
    """Embeddings: the most texts of one request; each has at most `max_input_tokens`."""
    dimensions: tuple[int, ...] = ()
    """Embeddings: the lengths a vector may have, the service's own default first."""
    region_dimensions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Those of a region that has others."""
    output_types: tuple[str, ...] = ()
    """Embeddings: "dense", "sparse", "dense&sparse"."""
    instruct: bool = False
    """Embeddings: takes a task in words (`instruct`)."""
    batch_api_regions: tuple[str, ...] | None = None
    """Texts and embeddings: where the vendor's Batch API takes the model; None: wherever there is one."""
    languages: tuple[str, ...] = ()
    description: str = ""
    sample_rate_hz: int | None = None
    word_times: bool = False
    language_hints: bool = False
    """Recognition: is told the language; others refuse or ignore it."""
    hints_max: int | None = None
    """Recognition: how many languages it is told at most."""
    vocabulary: bool = False
    """Recognition: takes `vocabulary_id` (hot words)."""
    inline_words: bool = False
    """Recognition: takes hot words in the request itself, too."""
    context: bool = False
    """Recognition: takes a text in which words stand that may be said."""
    speakers: bool = False
    """Recognition: tells the speakers apart (`diarization_enabled`)."""
    audio_max_s: int | None = None
    audio_max_bytes: int | None = None
    """Of a recording by its address; one in a `data:` URL counts after encoding, at most 10 MB."""
    http_route: str = ""
    """Speech: path below `/api/v1` of a POST that does the same as the socket; its options stand in `input`."""
    han_counts: int = 1
    """What one Han character counts, in `prompt_chars` and in the price."""
    audio_formats: tuple[str, ...] = ()
    sample_rates_hz: tuple[int, ...] = ()
    ssml: bool = False
    instructions: str = ""
    """Speech: "free" (any text about the style), "fixed" (one of the vendor's sentences, some voices), empty: none."""
    pronunciations: bool = False
    """Speech: can be told how words are pronounced (`hot_fix`)."""
    own_voices: tuple[str, ...] = ()
    """Speech: how a voice of one's own is made for it: "clone", "design"."""

    price_cny: float | Mapping[str, float] | None = None
    """Per `price_unit`; a table where the price depends on a tier, or on input and output."""
    price_unit: str = "image"
    """"image", "second", "10k_characters" or "1k_tokens"."""
    price_silent_cny: Mapping[str, float] = field(default_factory=dict)
    """Films: by tier, without sound, where that is cheaper; Beijing."""
    region_price_silent_cny: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    price_tiers: tuple[Mapping[str, float], ...] = ()
    """Text: `{up_to_input_tokens, input, output, …}`; the first tier that holds the input counts. A price, too, may say
    `thinking_output`, `cached_input` and, of nights, `off_peak_input`, `off_peak_output`, `off_peak_cached_input`."""
    price_with_prompt_extend_cny: float | None = None
    price_max_px: Mapping[str, int] = field(default_factory=dict)
    """Pictures: key of `price_cny` → the most pixels of that price; a key without an entry has no bound."""
    price_input_image_cny: float | None = None
    """For each picture that goes in; Beijing."""
    region_price_input_image_cny: Mapping[str, float] = field(default_factory=dict)
    assumed_prices: tuple[str, ...] = ()
    """Regions whose price is not published, and "input_image": what stands there is the family's dearest known one."""
    region_price_cny: Mapping[str, float | Mapping[str, float]] = field(default_factory=dict)
    region_price_tiers: Mapping[str, tuple[Mapping[str, float], ...]] = field(default_factory=dict)
    free_quota: int | None = None
    """In `price_unit`s (text: tokens, speech: characters), Beijing only."""

    submit_per_s: float | None = None
    running_limit: int | None = None
    queue_limit: int | None = None
    poll_per_s: float = 20.0
    typical_s: float | None = None
    """How long a task usually runs, until the journal knows better."""

    retired_on: str = ""
    """First day (UTC+8, "YYYY-MM-DD") on which calls fail; it may lie ahead. Empty: no end is known."""
    successor: str = ""
    """The model that took over."""
    retirement_notice: str = ""
    """Which notice of the vendor gives the date, and of when."""
    unknown_to_service: bool = False
    """The seed names it, the vendor never had it: sent as named."""
    source: str = ""

    def __post_init__(self) -> None:
        if not self.kinds:
            object.__setattr__(self, "kinds", (self.kind,))
        if self.mode in MODES:  # as it stands in models.toml; `model_rules` refuses another
            object.__setattr__(self, "mode", Mode(self.mode))

    def retired(self, day: date) -> bool:
        """Return whether calls fail on that day."""
        return bool(self.retired_on) and self.retired_on <= day.isoformat()

    def wire_name(self, region: str) -> str:
        """Return the name this region's service knows."""
        return self.aliases.get(region, self.name)

    @property
    def is_snapshot(self) -> bool:
        """Return whether its name has a date: the same model is there without one."""
        return SNAPSHOT.search(self.name) is not None

    def limits_of(self, role: str) -> InputLimits | None:
        """Return what it takes in a role of a film's input; None: it has none."""
        own = self.inputs.get(role)
        return None if own is None else InputLimits(**own)

    def allowed_inputs(self, ways: Iterable[str] = ()) -> tuple[frozenset[str], ...]:
        """Return every set of roles it takes, also called in some ways."""
        changed = [self.ways[way]["input_sets"] for way in ways if "input_sets" in self.ways.get(way, {})]
        return expanded([self.input_sets, *changed][-1])


FIELD_NAMES = tuple(f.name for f in fields(Model) if f.name != "name")
