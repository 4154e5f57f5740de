"""What a film model takes, for people: a line for each set of inputs, by our options, and for each input its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bailian.catalog import Model
from bailian.catalog.roles import FUNCTIONS, MEDIA_OF_ROLE, OPTIONAL_MARK, InputLimits
from bailian.i18n import tr

TOLD_HERE = ("input_sets", "inputs", "roles", "together", "ways", "size_tiers", "image_alpha")
"""Fields of a model that these lines say in other words."""
OPTIONS = {"references": "--reference", "reference_voices": "--reference-voice"}


def film_lines(model: Model) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line."""
    if model.size_tiers:
        tiers = (f"{tier} ({', '.join(sizes)})" if sizes else tier for tier, sizes in model.size_tiers.items())
        yield tr("sizes", "分辨率"), ", ".join(tiers)
    yield from _set_lines(tr("takes", "输入组合"), model.input_sets, model)
    for way, fields in model.ways.items():
        label = (
            f"--vace {way}" if way in FUNCTIONS else tr(f"with {_option(way, model)}", f"使用 {_option(way, model)}")
        )
        yield from _set_lines(label, fields.get("input_sets", ()), model)
        rest = {name: value for name, value in fields.items() if name not in TOLD_HERE}
        yield from ((label, f"{name}: {_listed(value)}") for name, value in rest.items())
        yield from _limit_lines(fields.get("inputs", {}), model, f"{label} ")
        yield from _together_lines(fields.get("together", ()), model)
    yield from _limit_lines(model.inputs, model)
    yield from _together_lines(model.together, model)


def _set_lines(label: str, input_sets: Sequence[Sequence[str]], model: Model) -> Iterator[tuple[str, str]]:
    for input_set in input_sets:
        words = [
            f"[{_option(word.removesuffix(OPTIONAL_MARK), model)}]"
            if word.endswith(OPTIONAL_MARK)
            else _option(word, model)
            for word in input_set
        ]
        yield label, " + ".join(words) or tr("a text alone", "仅文字")


def _limit_lines(inputs: Mapping[str, Any], model: Model, before: str = "") -> Iterator[tuple[str, str]]:
    for role, fields in inputs.items():
        others = [f"--{field}" for field, own in model.roles.items() if own == role]
        yield before + ", ".join([_option(role, model), *others]), "; ".join(_limits(InputLimits(**fields)))


def _together_lines(together: Sequence[Mapping[str, Any]], model: Model) -> Iterator[tuple[str, str]]:
    for group in together:
        label = " + ".join(_option(role, model) for role in group["roles"])
        texts = []
        if "max" in group:
            texts.append(tr(f"at most {group['max']} together", f"合计最多 {group['max']} 个"))
        if "seconds" in group:
            texts.append(tr(f"at most {group['seconds']:g} s together", f"合计最多 {group['seconds']:g} 秒"))
        if "with_output_s" in group:
            most_s = group["with_output_s"]
            texts.append(tr(f"at most {most_s:g} s with the film's own", f"连同生成的视频最多 {most_s:g} 秒"))
        yield label, "; ".join(texts)


def _option(role: str, model: Model) -> str:
    """Return our option for a role or a way, with what it holds where it may hold several things."""
    from bailian.modalities.video.film_inputs import field_of

    field = field_of(role, model) if role in MEDIA_OF_ROLE else role
    option = OPTIONS.get(field, "--" + field.replace("_", "-"))
    kinds = {"image": tr("picture", "图片"), "video": tr("film", "视频"), "audio": tr("sound", "音频")}
    return f"{option} ({kinds[MEDIA_OF_ROLE[role]]})" if field in ("references", "mask") and role != "mask" else option


def _limits(limits: InputLimits) -> list[str]:
    texts = [", ".join(limits.formats)] if limits.formats else []
    if limits.max > 1:
        texts.append(tr(f"up to {limits.max}", f"最多 {limits.max} 个"))
    if limits.side_px:
        texts.append(tr("sides {:g} to {:g} px", "边长 {:g} 到 {:g} 像素").format(*limits.side_px))
    if limits.aspect:
        texts.append(tr("width / height {:g} to {:g}", "宽高比 {:g} 到 {:g}").format(*limits.aspect))
    if limits.seconds:
        texts.append(tr("{:g} to {:g} s", "{:g} 到 {:g} 秒").format(*limits.seconds))
    if limits.fps:
        texts.append(tr(f"at least {limits.fps[0]:g} frames a second", f"帧率至少 {limits.fps[0]:g}"))
    if limits.max_bytes:
        texts.append(tr(f"at most {limits.max_bytes / 1e6:.1f} MB", f"最大 {limits.max_bytes / 1e6:.1f} MB"))
    if not limits.alpha:
        texts.append(tr("no transparency", "不能透明"))
    if limits.part_of_film:
        texts.append(tr("part of the film's length", "计入视频总时长"))
    if limits.billed_s:
        texts.append(tr(f"up to {limits.billed_s:g} s are billed", f"最多 {limits.billed_s:g} 秒计费"))
    if limits.transports == ("public",):
        texts.append(tr("public links only", "仅公网链接"))
    return texts


def _listed(value: Any) -> str:
    values = value if isinstance(value, list | tuple) else [value]
    return ", ".join(str(one) if one != "" else '""' for one in values)
