"""What goes into a film: fields of a request → roles of the service, and whether a model takes them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bailian.catalog import Catalog, Model
from bailian.catalog.roles import MEDIA_OF_ROLE, OPTIONAL_MARK
from bailian.errors import Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities.video.video_request import MEDIA, VideoRequest
from bailian.types import Input, Notice

USUAL_ROLES: Mapping[str, str] = {
    "image": "first_frame",
    "last_frame": "last_frame",
    "video": "video",
    "continue": "first_clip",
    "last_clip": "last_clip",
    "audio": "driving_audio",
    "document": "file",
}
"""Field with one file → its role; a model's own `roles` win. In the order of the body, where references stand before
sounds."""
MEDIA_OF_SORT: Mapping[str, str] = {"picture": "image", "film": "video", "sound": "audio"}


@dataclass(frozen=True)
class FilmInput:
    """One thing that goes in."""

    role: str
    """In the service's words."""
    field: str
    """Where it stands in the request, as a problem names it."""
    given: Input
    voice: Input | None = None
    """Of a reference that speaks with another's."""
    guessed: bool = False
    """Nobody knows what it is: taken for a picture."""

    @property
    def duration_s(self) -> float | None:
        """Return how long it is; None where that is not known here."""
        film, sound = self.given.film, self.given.recording
        return film.duration_s if film else sound.duration_s if sound else None


def inputs_of(request: VideoRequest, model: Model, found: Mapping[str, Input]) -> list[FilmInput]:
    """Return all that goes in, in the roles that this model has for it; references in the order they were given."""
    inputs = []
    for field, role in USUAL_ROLES.items():
        inputs += _references(request, found) if field == "audio" else []
        given = [found.get(url, Input(url)) for url in _urls(request, field)]
        inputs += [FilmInput(model.roles.get(field, role), field, one) for one in given]
    for url in request.mask:
        mask = found.get(url, Input(url))
        media = media_of(mask, request.mask_media)
        inputs.append(FilmInput(f"mask_{media or 'image'}", "mask", mask, guessed=not media))
    if request.link:
        inputs.append(FilmInput("link", "link", Input(request.link)))
    return inputs


def _urls(request: VideoRequest, field: str) -> list[str]:
    urls: list[str] = getattr(request, "continue_" if field == "continue" else field)
    return urls


def _references(request: VideoRequest, found: Mapping[str, Input]) -> list[FilmInput]:
    spoken, types = _beside(request, request.reference_voices), _beside(request, request.reference_types)
    inputs = []
    for place, (url, voice, said) in enumerate(zip(request.references, spoken, types, strict=True)):
        given = found.get(url, Input(url))
        media = media_of(given, said)
        speaks = found.get(voice, Input(voice)) if voice else None
        role = f"reference_{media or 'image'}"
        inputs.append(FilmInput(role, f"references[{place}]", given, speaks, guessed=not media))
    return inputs


def _beside(request: VideoRequest, words: Sequence[str]) -> list[str]:
    """Return as many words as there are references."""
    missing = len(request.references) - len(words)
    return [*words, *[""] * missing][: len(request.references)]


def media_of(given: Input, said: str = "") -> str:
    """Return "image", "video" or "audio": by the bytes, else as said, else by the suffix of the link; "": nobody knows."""
    if given.probe or given.film or given.recording:
        return "image" if given.probe else "video" if given.film else "audio"
    return said or MEDIA_OF_SORT.get(formats.sort_by_name(given.url), "")


def list_problems(request: VideoRequest) -> list[Problem]:
    """Check the lists that stand beside the references, and the words in them."""
    problems = []
    if len(request.reference_types) > len(request.references):
        text = tr(
            f"has more entries than references ({len(request.references)})",
            f"多于 references（{len(request.references)} 个）",
        )
        problems.append(Problem("reference_types", text))
    problems += [
        Problem(field, tr("is empty", "不能为空"))
        for field in (*USUAL_ROLES, "references", "mask")
        if "" in _urls(request, field)
    ]
    listed = ", ".join(MEDIA)
    for name, words in (("reference_types", request.reference_types), ("mask_media", [request.mask_media])):
        problems += [
            Problem(name, tr(f"{word!r} is none of {listed}", f"{word!r} 不是 {listed} 之一"))
            for word in words
            if word not in ("", *MEDIA)
        ]
    if request.link and not request.link.startswith(("https://", "http://")):
        problems.append(Problem("link", tr("must begin with https://", "应以 https:// 开头")))
    return problems


def guess_notices(inputs: Sequence[FilmInput], model: Model) -> list[Notice]:
    """Say which references and masks are taken for pictures because nothing tells what they are."""
    as_sent = tr("it is sent as a picture", "按图片发送")
    by_service = tr("the service decides, and a film is reckoned with", "由服务端判断，费用按视频估算")
    told = []
    for one in inputs:
        if one.guessed:
            what = by_service if one.field != "mask" and not says_type(model) else as_sent
            text = tr(
                f"what {one.given.url} is cannot be told from its name: {what}",
                f"无法从名称判断 {one.given.url} 的类型：{what}",
            )
            told.append(Notice("reference_guessed", text))
    return told


def says_type(model: Model) -> bool:
    """Return whether its body says what a reference is; where it does not, the service looks at the bytes."""
    return model.style != "reference_urls"


def roles_of(inputs: Iterable[FilmInput]) -> frozenset[str]:
    """Return which roles are taken, a reference's own voice among them."""
    inputs = list(inputs)
    return frozenset([one.role for one in inputs] + ["reference_voice" for one in inputs if one.voice])


def ways_of(request: VideoRequest, inputs: Sequence[FilmInput]) -> list[str]:
    """Return in which ways a model is called, for `called`."""
    ways = [*([request.vace] if request.vace else []), *sorted(roles_of(inputs))]
    return [*ways, *(["template"] if request.template else []), *(["continue"] if request.continue_ else [])]


def takes(model: Model, request: VideoRequest, found: Mapping[str, Input]) -> bool:
    """Return whether a model takes these inputs together."""
    if (model.style == "function") != bool(request.vace):
        return False
    inputs = inputs_of(request, model, found)
    return roles_of(inputs) in model.allowed_inputs(ways_of(request, inputs))


class Others:
    """The other models of the kind that live and are offered in the region, without dated names; to name them."""

    def __init__(
        self, request: VideoRequest, model: Model, found: Mapping[str, Input], catalog: Catalog, region: str
    ) -> None:
        self._request, self._model, self._found = request, model, found
        self._catalog, self._region = catalog, region

    def all(self) -> list[Model]:
        """Return them in the catalog's order."""
        name, day = self._model.name, self._catalog.today
        every = [one for one in self._catalog.of_kind(self._model.kind) if not one.is_snapshot and one.name != name]
        return [one for one in every if not one.retired(day) and self._region in one.regions]

    def with_these_inputs(self) -> list[Model]:
        """Return those that take the inputs of the request together."""
        return [one for one in self.all() if takes(one, self._request, self._found)]


def set_problems(request: VideoRequest, model: Model, inputs: Sequence[FilmInput], others: Others) -> list[Problem]:
    """Refuse inputs that the model does not take together: the service takes such a body and fails it minutes later.

    `model` is as it is called.
    """
    roles = roles_of(inputs)
    if roles in model.allowed_inputs():
        return []
    own = " | ".join(_shown(one, model) for one in model.input_sets)
    fields = list(dict.fromkeys(one.field.partition("[")[0] for one in inputs))
    given = " + ".join(_word(role, model) for role in sorted(roles, key=list(MEDIA_OF_ROLE).index))
    able = named(others.with_these_inputs())
    name = f"{model.name} {request.vace}".strip()
    lacking = _lacking(roles, model)
    if not roles:
        text = tr(f"{name} needs an input: {own}", f"{name} 需要输入：{own}")
    elif lacking:
        fields = [field_of(lacking[0], model)]
        missing = tr(" or ", " 或 ").join(_word(role, model) for role in lacking)
        text = tr(
            f"{name} needs {missing} beside {given}; it takes: {own}",
            f"{name} 除 {given} 外还需要 {missing}；支持：{own}",
        )
    else:
        text = tr(f"{name} does not take {given}; it takes: {own}", f"{name} 不支持 {given}；支持：{own}")
    if able and roles and request.model is None:
        text += tr(f"; name a model that takes these inputs: {able}", f"；请指定支持这些输入的模型：{able}")
    elif able and roles:
        text += tr(f"; these inputs are for {able}", f"；这些输入可用于 {able}")
    elif able:
        text += tr(f"; a text alone is for {able}", f"；仅文字可用于 {able}")
    return [Problem(fields[0] if fields else _first_needed(model), text)]


def _lacking(roles: frozenset[str], model: Model) -> list[str]:
    """Return the roles of which one is missing in what is given; none where one more would not do."""
    missing = [allowed - roles for allowed in model.allowed_inputs() if roles < allowed]
    return [role for rest in missing if len(rest) == 1 for role in rest]


def named(models: Sequence[Model]) -> str:
    """Return some of their names for a sentence."""
    names = [one.name for one in models[:NAMES_MAX]]
    return ", ".join([*names, *(["…"] if len(models) > NAMES_MAX else [])])


NAMES_MAX = 6


def _first_needed(model: Model) -> str:
    role = next((word for one in model.input_sets for word in one if not word.endswith(OPTIONAL_MARK)), "image")
    return field_of(role, model)


def _shown(input_set: Sequence[str], model: Model) -> str:
    words = [
        f"[{_word(word.removesuffix(OPTIONAL_MARK), model)}]" if word.endswith(OPTIONAL_MARK) else _word(word, model)
        for word in input_set
    ]
    return " + ".join(words) or tr("a text alone", "仅文字")


def field_of(role: str, model: Model) -> str:
    """Return our field for a role of a model."""
    if role.startswith("reference_"):
        return "reference_voices" if role == "reference_voice" else "references"
    usual = {own: field for field, own in USUAL_ROLES.items()}
    return usual.get(role, role.partition("_")[0])


def _word(role: str, model: Model) -> str:
    field = field_of(role, model)
    kinds = {"image": tr("picture", "图片"), "video": tr("film", "视频"), "audio": tr("sound", "音频")}
    return f"{field} ({kinds[MEDIA_OF_ROLE[role]]})" if field in ("references", "mask") else field
