"""Rules of the pictures that go in: sides, bytes, shape, format, transparency."""

from __future__ import annotations

from bailian.catalog import Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.types import Input, Notice, Probe


def check_input(field: str, given: Input, model: Model) -> list[Problem]:
    """Check a picture that goes in, if it is on this machine: its sides (as shown) and its bytes."""
    probe = given.probe
    if probe is None:
        return []
    problems = []
    if model.image_side_px and not all(
        model.image_side_px[0] <= side <= model.image_side_px[1] for side in (probe.width_px, probe.height_px)
    ):
        low, high = model.image_side_px
        problems.append(
            Problem(
                field,
                tr(
                    f"is {probe.width_px}*{probe.height_px}; each side must be {low} to {high} px",
                    f"尺寸为 {probe.width_px}*{probe.height_px}，边长须在 {low} 到 {high} 像素之间",
                ),
            )
        )
    if model.image_max_bytes and probe.size_bytes > model.image_max_bytes:
        problems.append(
            Problem(
                field,
                tr(
                    f"has {probe.size_bytes / 1e6:.1f} MB, at most {model.image_max_bytes / 1e6:.1f} are taken",
                    f"大小 {probe.size_bytes / 1e6:.1f} MB，最多 {model.image_max_bytes / 1e6:.1f} MB",
                ),
            )
        )
    return [*problems, *_format_problems(field, probe, model)]


def _format_problems(field: str, probe: Probe, model: Model) -> list[Problem]:
    """Check what kind of picture goes in: its shape, its format, its transparency."""
    problems = []
    ratio = probe.width_px / probe.height_px
    if model.image_aspect and not model.image_aspect[0] <= ratio <= model.image_aspect[1]:
        low, high = model.image_aspect
        text = tr(
            f"is {probe.width_px}*{probe.height_px}; width / height must be {low:g} to {high:g}",
            f"尺寸为 {probe.width_px}*{probe.height_px}，宽高比须在 {low:g} 到 {high:g} 之间",
        )
        problems.append(Problem(field, text))
    if model.image_formats and probe.format not in model.image_formats:
        taken = ", ".join(model.image_formats)
        text = tr(f"is {probe.format}; {model.name} takes {taken}", f"是 {probe.format}；{model.name} 支持 {taken}")
        problems.append(Problem(field, text))
    elif probe.alpha and not model.image_alpha:
        text = tr(
            f"has transparency, which {model.name} does not take: magick IN -background white -flatten OUT.png",
            f"含透明通道，{model.name} 不支持：magick IN -background white -flatten OUT.png",
        )
        problems.append(Problem(field, text))
    return problems


def advice(given: Input, model: Model) -> list[Notice]:
    """Tell of a picture that the service takes, though the vendor advises another size."""
    probe, advised = given.probe, model.image_advised_px
    if (
        probe is None
        or advised is None
        or all(advised[0] <= side <= advised[1] for side in (probe.width_px, probe.height_px))
    ):
        return []
    shown, (low, high) = f"{probe.width_px}*{probe.height_px}", advised
    return [
        Notice(
            "picture_size_unadvised",
            tr(
                f"a picture is {shown}; sides of {low} to {high} px are advised for {model.name}",
                f"输入图片为 {shown}；{model.name} 建议边长在 {low} 到 {high} 像素之间",
            ),
        )
    ]
