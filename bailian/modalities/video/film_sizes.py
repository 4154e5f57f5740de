"""How large and of what shape a film becomes: `size`, or `resolution`, or `resolution` and `ratio`, as the model has it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from bailian.catalog import Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.rules import sizes
from bailian.modalities.rules.fields import parse_size
from bailian.modalities.rules.ways import documents
from bailian.modalities.video.video_request import VideoRequest
from bailian.types import Notice

_TIER = re.compile(r"(?<![0-9])([0-9]{3,4}P)(?![A-Z])")
_RATIO = re.compile(r"(?<![0-9])([1-9][0-9]?):([1-9][0-9]?)(?![0-9])")


@dataclass(frozen=True)
class FilmSize:
    """What is sent, and what it is paid as."""

    tier: str
    """"720P": of the price, and the parameter `resolution`."""
    asked: str = ""
    """As it stands in the request: "W*H", or the tier."""
    wire_size: str = ""
    """The parameter `size`."""
    ratio: str = ""
    notices: tuple[Notice, ...] = ()
    problems: tuple[Problem, ...] = ()


def size_of(request: VideoRequest, model: Model) -> FilmSize:
    """Return the size that a request asks for, or the model's usual one. The model is as it is called."""
    written = request.size or request.resolution
    if documents(model, "size"):
        return _exact(request, model, written)
    if documents(model, "resolution"):
        return _of_tier(request, model, written)
    text = tr(f"{model.name} chooses it itself: leave it out", f"{model.name} 自行决定，请去掉")
    said = (("size", written), ("ratio", request.ratio))
    return FilmSize(_usual_tier(model), problems=tuple(Problem(name, text) for name, word in said if word))


def _usual_tier(model: Model) -> str:
    found = (tier for tier, known in model.size_tiers.items() if model.default_size in (tier, *known))
    return next(found, next(iter(model.size_tiers), ""))


def _exact(request: VideoRequest, model: Model, written: str) -> FilmSize:
    """Return a size of a model that takes W*H."""
    if request.ratio and parse_size(written):
        problem = Problem(
            "ratio", tr("stands beside a size, which has a shape: give one", "与 size 重复：只需给出一个")
        )
        return FilmSize("", problems=(problem,))
    size, told = sizes.resolved(model, f"{written} {request.ratio}".strip() or model.default_size)
    wire_size = model.size_aliases.get(size, size)
    tier = next((tier for tier, known in model.size_tiers.items() if wire_size in known), "")
    problems = [] if tier else [_untaken(model, size)]
    both = request.size and request.resolution
    if both and size != sizes.resolved(model, f"{request.resolution} {request.ratio}".strip())[0]:
        problems.append(_contradiction())
    if wire_size != size:
        text = tr(
            f"{model.name} has no {size}; {wire_size} is sent, its nearest size",
            f"{model.name} 没有 {size}，以最接近的 {wire_size} 发送",
        )
        told = [*told, Notice("size_adapted", text)]
    return FilmSize(tier, size, wire_size, "", tuple(told), tuple(problems))


def _contradiction() -> Problem:
    return Problem("resolution", tr("says something else than size: give one", "与 size 不一致：只需给出一个"))


def _untaken(model: Model, size: str) -> Problem:
    if not any(model.size_tiers.values()):
        listed = ", ".join(model.size_tiers)
        return Problem(
            "size", tr(f"{model.name} takes {listed}, not {size}", f"{model.name} 支持 {listed}，不支持 {size}")
        )
    tiers = "; ".join(f"{tier}: {', '.join(known)}" if known else tier for tier, known in model.size_tiers.items())
    return Problem("size", tr(f"{model.name} does not take {size}; {tiers}", f"{model.name} 不支持 {size}；{tiers}"))


def _of_tier(request: VideoRequest, model: Model, written: str) -> FilmSize:
    """Return a tier, and a shape where the model lets it be chosen."""
    tier, shape = _read(model, written)
    if tier is None:
        shaped = [Problem("ratio", _no_ratio(model, request.ratio))] if request.ratio and not model.ratios else []
        return FilmSize("", problems=(_untaken(model, written), *shaped))
    problems = []
    if request.size and request.resolution and _read(model, request.resolution) != (tier, shape):
        problems.append(_contradiction())
    asked = unicodedata.normalize("NFKC", request.ratio).strip().lower()
    if asked and shape and asked != shape:
        problems.append(
            Problem("ratio", tr(f"{asked} is not {shape} of the size", f"{asked} 与 size 的 {shape} 不一致"))
        )
    ratio = asked or shape
    if ratio and ratio not in model.ratios:
        problems.append(Problem("ratio" if asked else "size", _no_ratio(model, ratio)))
    tier = tier or model.default_size
    if tier not in model.size_tiers:
        problems.append(_untaken(model, tier))
    told = []
    if parse_size(_plain(written)):
        text = tr(f"the size {written} is sent as {tier} {ratio}", f"尺寸 {written} 以 {tier} {ratio} 发送")
        told.append(Notice("size_written", text))
    return FilmSize(tier, tier, "", ratio or model.default_ratio, tuple(told), tuple(problems))


def _no_ratio(model: Model, ratio: str) -> str:
    if model.ratios:
        listed = ", ".join(model.ratios)
        return tr(f"{model.name} takes {listed}, not {ratio}", f"{model.name} 支持 {listed}，不支持 {ratio}")
    return tr(
        f"the shape of a film of {model.name} is that of its input: leave {ratio} out",
        f"{model.name} 的画面比例与输入相同：请去掉 {ratio}",
    )


def _plain(written: str) -> str:
    return re.sub(r"\s*[X×✕∗]\s*", "*", unicodedata.normalize("NFKC", written).strip().upper())


def _read(model: Model, written: str) -> tuple[str | None, str]:
    """Return the tier and the shape of "720P", "16:9", "720P 16:9" or "1280*720"; "" where one is not said, a tier of
    None where it cannot be read."""
    plain = _plain(written)
    sides = parse_size(plain)
    if sides:
        tier = next((tier for tier, known in model.size_tiers.items() if plain in known), None)
        return tier, _nearest(model.ratios, sides[0] / sides[1]) if tier else ""
    tier_found, ratio = _TIER.search(plain), _RATIO.search(plain)
    rest = _RATIO.sub("", _TIER.sub("", plain, count=1), count=1).strip(" ,/@()")
    if rest:
        return None, ""
    return tier_found[1] if tier_found else "", f"{ratio[1]}:{ratio[2]}" if ratio else ""


def _nearest(ratios: tuple[str, ...], wanted: float) -> str:
    shapes: Mapping[str, float] = {
        ratio: int(found[1]) / int(found[2]) for ratio in ratios if (found := _RATIO.fullmatch(ratio))
    }
    return min(shapes, key=lambda ratio: abs(shapes[ratio] / wanted - 1), default="")
