"""What a film model takes of each thing that goes in: format, sides, seconds, megabytes, and the way to the service.

All of it is data of the catalog. What is not known here (of a link, or where a file's headers do not say) is not checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from bailian.catalog import Model
from bailian.catalog.roles import MEDIA_OF_ROLE, InputLimits
from bailian.errors import Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities.rules import picture_inputs
from bailian.modalities.video.film_inputs import FilmInput, media_of
from bailian.types import Film, Input, Notice
from bailian.types.result_of import PREFIX as RESULT_OF

LOCAL = ("file://", RESULT_OF)
"""Also another row's result, which is a file when it goes in."""
UPLOADED = "oss://"


def limit_problems(inputs: Sequence[FilmInput], model: Model, duration_s: int) -> list[Problem]:
    """Check each input, how many there are of a role, and what they are together."""
    every = [*inputs, *(_voice(one, one.voice) for one in inputs if one.voice)]
    problems = []
    for role in dict.fromkeys(one.role for one in every):
        limits, own = model.limits_of(role), [one for one in every if one.role == role]
        if limits is None:
            continue  # the sets of inputs refuse it
        if len(own) > limits.max:
            text = tr(f"at most {limits.max}, not {len(own)}", f"最多 {limits.max} 个，给出了 {len(own)} 个")
            problems.append(Problem(own[-1].field.partition("[")[0], text))
        problems += [problem for one in own for problem in _problems(one, limits, model)]
    return [*problems, *_together_problems(inputs, model, duration_s)]


def _voice(one: FilmInput, voice: Input) -> FilmInput:
    return FilmInput("reference_voice", one.field.replace("references", "reference_voices"), voice)


def _problems(one: FilmInput, limits: InputLimits, model: Model) -> list[Problem]:
    wanted, found = MEDIA_OF_ROLE[one.role], media_of(one.given)
    on_this_machine = one.given.probe or one.given.film or one.given.recording
    if on_this_machine and wanted in KINDS and found != wanted:
        return [Problem(one.field, tr(f"is no {KINDS[wanted][0]}", f"不是{KINDS[wanted][1]}"))]
    problems = _transport_problems(one, limits, model)
    if one.given.probe:
        as_picture = replace(
            model,
            image_side_px=limits.side_px,
            image_max_bytes=limits.max_bytes,
            image_aspect=limits.aspect,
            image_formats=limits.formats,
            image_alpha=limits.alpha,
        )
        return [*problems, *picture_inputs.check_input(one.field, one.given, as_picture)]
    return problems + [Problem(one.field, text) for text in _texts(one, limits, model)]


KINDS = {"image": ("picture", "图片"), "video": ("film", "视频"), "audio": ("sound", "音频")}


def _texts(one: FilmInput, limits: InputLimits, model: Model) -> list[str]:
    """Return what is wrong with a film, a sound or a document."""
    film, sound = one.given.film, one.given.recording
    format = film.format if film else sound.format if sound else ""
    if one.role == "file" and not format:
        format = PurePosixPath(urlsplit(one.given.url).path).suffix.lower()[1:]
    texts = []
    if format and limits.formats and format not in limits.formats:
        taken = ", ".join(limits.formats)
        texts.append(tr(f"is {format}; {model.name} takes {taken}", f"是 {format}；{model.name} 支持 {taken}"))
    size_bytes = film.size_bytes if film else sound.size_bytes if sound else 0
    if limits.max_bytes and size_bytes > limits.max_bytes:
        texts.append(
            tr(
                f"has {size_bytes / 1e6:.1f} MB, at most {limits.max_bytes / 1e6:.1f} are taken",
                f"大小 {size_bytes / 1e6:.1f} MB，最多 {limits.max_bytes / 1e6:.1f} MB",
            )
        )
    if limits.seconds and one.duration_s is not None and not _within(one.duration_s, limits.seconds):
        low, high = limits.seconds
        texts.append(
            tr(
                f"lasts {one.duration_s:.4g} s; {low:g} to {high:g} s are taken",
                f"时长 {one.duration_s:.4g} 秒，须在 {low:g} 到 {high:g} 秒之间",
            )
        )
    return [*texts, *(_film_texts(film, limits) if film else [])]


def _within(value: float, allowed: tuple[float, float]) -> bool:
    """Return whether a length is allowed. A cut at whole seconds ends up to a frame later."""
    return allowed[0] - SLACK_S <= value <= allowed[1] + SLACK_S


SLACK_S = 0.05


def _film_texts(film: Film, limits: InputLimits) -> list[str]:
    texts = []
    if film.width_px and film.height_px:
        shown, sides = f"{film.width_px}*{film.height_px}", (film.width_px, film.height_px)
        if limits.side_px and not all(limits.side_px[0] <= side <= limits.side_px[1] for side in sides):
            low, high = limits.side_px
            texts.append(
                tr(
                    f"is {shown}; each side must be {low} to {high} px",
                    f"尺寸为 {shown}，边长须在 {low} 到 {high} 像素之间",
                )
            )
        if limits.aspect and not limits.aspect[0] <= sides[0] / sides[1] <= limits.aspect[1]:
            low_ratio, high_ratio = limits.aspect
            texts.append(
                tr(
                    f"is {shown}; width / height must be {low_ratio:g} to {high_ratio:g}",
                    f"尺寸为 {shown}，宽高比须在 {low_ratio:g} 到 {high_ratio:g} 之间",
                )
            )
    if limits.fps and film.fps is not None and not limits.fps[0] <= film.fps <= limits.fps[1]:
        texts.append(
            tr(
                f"has {film.fps:.4g} frames a second; at least {limits.fps[0]:.3g} are needed",
                f"帧率为 {film.fps:.4g}，至少需要 {limits.fps[0]:.3g}",
            )
        )
    return texts


def _transport_problems(one: FilmInput, limits: InputLimits, model: Model) -> list[Problem]:
    """Refuse what has no way to the service: not every model takes uploads, or pictures in the body."""
    url, ways = one.given.url, limits.transports
    if url.startswith(("https://", "http://")) or "upload" in ways:
        return []
    if url.startswith(LOCAL) and "inline" in ways:
        size_bytes = one.given.probe.size_bytes if one.given.probe else 0
        if size_bytes <= formats.DATA_URI_MAX_BYTES:
            return []
        text = tr(
            f"has {size_bytes / 1e6:.1f} MB; {model.name} takes files of this machine up to "
            f"{formats.DATA_URI_MAX_BYTES / 1e6:g} MB, larger ones as a public link (https://…)",
            f"大小 {size_bytes / 1e6:.1f} MB；{model.name} 的本地文件最大 {formats.DATA_URI_MAX_BYTES / 1e6:g} MB，"
            "更大的请使用公网链接（https://…）",
        )
    elif url.startswith((*LOCAL, UPLOADED)):
        text = tr(
            f"{model.name} takes it only as a public link (https://…): put the file on a web server or a bucket",
            f"{model.name} 只接受公网链接（https://…）：请将文件放到网站或存储桶中",
        )
    else:
        return []
    return [Problem(one.field, text)]


def _together_problems(inputs: Sequence[FilmInput], model: Model, duration_s: int) -> list[Problem]:
    problems = []
    for group in model.together:
        own = [one for one in inputs if one.role in group["roles"]]
        if not own:
            continue
        field = own[-1].field.partition("[")[0]
        known_s = sum(one.duration_s or 0 for one in own)
        limits = model.limits_of(own[0].role)
        is_told = limits is not None and len({one.role for one in own}) == 1 and len(own) > limits.max
        if len(own) > group.get("max", len(own)) and not is_told:
            text = tr(
                f"at most {group['max']} together, not {len(own)}", f"合计最多 {group['max']} 个，给出了 {len(own)} 个"
            )
            problems.append(Problem(field, text))
        most_s = group.get("seconds")
        is_said = len(own) == 1 and limits is not None and limits.seconds is not None
        if most_s is not None and known_s > most_s + SLACK_S and not is_said:
            text = tr(
                f"last {known_s:.4g} s together, at most {most_s:g}", f"合计 {known_s:.4g} 秒，最多 {most_s:g} 秒"
            )
            problems.append(Problem(field, text))
        with_s = group.get("with_output_s")
        if with_s is not None and duration_s > 0 and known_s + duration_s > with_s + SLACK_S:
            text = tr(
                f"{duration_s} s and the {known_s:.4g} s that go in are more than {with_s:g} s together",
                f"{duration_s} 秒与输入的 {known_s:.4g} 秒合计超过 {with_s:g} 秒",
            )
            problems.append(Problem("duration", text))
    return problems


def part_s(inputs: Sequence[FilmInput], model: Model) -> float:
    """Return how much of the film is there already, because it goes on from it; 0 where that is not known."""
    parts = [one for one in inputs if (limits := model.limits_of(one.role)) and limits.part_of_film]
    return sum(one.duration_s or 0 for one in parts)


def unmeasured_parts(inputs: Sequence[FilmInput], model: Model) -> list[FilmInput]:
    """Return what the film goes on from and whose length is not known here."""
    parts = [one for one in inputs if (limits := model.limits_of(one.role)) and limits.part_of_film]
    return [one for one in parts if one.duration_s is None]


def part_problems(inputs: Sequence[FilmInput], model: Model, duration_s: int, *, said: bool) -> list[Problem]:
    """Refuse a film that would be paid and add nothing to the clip it goes on from. `said`: its length was given."""
    unmeasured = [one for one in unmeasured_parts(inputs, model) if not one.given.url.startswith(RESULT_OF)]
    if unmeasured and not said:
        field = unmeasured[0].field
        text = tr(
            f"how long {field} lasts is not known here, and it is part of the film: say the length of both together",
            f"无法得知 {field} 的时长，而它计入总时长：请给出两者合计的时长",
        )
        return [Problem("duration", text)]
    there_s = part_s(inputs, model)
    if not there_s or duration_s > there_s:
        return []
    text = tr(
        f"{duration_s} s add nothing: the {there_s:.4g} s of the clip are part of the film",
        f"{duration_s} 秒不会新增内容：片段的 {there_s:.4g} 秒计入总时长",
    )
    return [Problem("duration", text)]


def part_notices(inputs: Sequence[FilmInput], model: Model, duration_s: int, *, said: bool) -> list[Notice]:
    """Say how long the film becomes, and is paid as, where that is worked out from the clip it goes on from."""
    there_s = part_s(inputs, model)
    if said or not there_s:
        return []
    text = tr(
        f"the {there_s:.4g} s of the clip are part of the film: {duration_s} s in all are made and billed, unless "
        "duration says otherwise",
        f"片段的 {there_s:.4g} 秒计入视频：共生成并计费 {duration_s} 秒，可用 duration 另行指定",
    )
    return [Notice("clip_is_part", text)]


def must_be_uploaded(inputs: Sequence[FilmInput], model: Model) -> bool:
    """Return whether pictures on this machine go by upload, whatever their size: the model takes links only."""
    return any(
        one.given.url.startswith(LOCAL) and (limits := model.limits_of(one.role)) and "inline" not in limits.transports
        for one in inputs
        if MEDIA_OF_ROLE[one.role] == "image"
    )
