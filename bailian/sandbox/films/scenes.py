"""What is seen in a film, step by step: given pictures that move, given films that are changed, or a landscape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from bailian.sandbox.edits.drawing import Edit, instructed, opened
from bailian.sandbox.films.film import Film, Load, ShownInput
from bailian.sandbox.films.function_scenes import masked, outpainted, repainted
from bailian.sandbox.images.drawing import scene, write
from bailian.sandbox.video.clips import frames_at
from bailian.sandbox.video.drawing import PAN

ZOOM = 0.15
"""So much larger a still picture has become when its film ends."""

_NAMES = {"image": "Image", "video": "Video", "audio": "Audio", "document": "File", "link": "Link"}
_COLOURS = {"audio": (60, 110, 60), "document": (60, 60, 110), "link": (110, 60, 110)}
"""What stands for an input that has no picture."""
_WHITE = (255, 255, 255)
_TEXT_MIN_PX = 10

_FUNCTIONS = {"video_repainting": repainted, "video_edit": masked, "video_outpainting": outpainted}
"""The functions that change a given film."""


@dataclass
class Scene:
    """The images of a film, before words are written on them."""

    image: Callable[[int], Image.Image]
    """Returns the one of a step; it may be drawn upon."""
    untouched: Collection[int] = ()
    """The steps that show a given picture and nothing else."""
    strip: Sequence[tuple[str, Image.Image]] = ()
    """What came along, small, with its name."""

    def add_strip(self, image: Image.Image) -> None:
        """Paste what came along at the lower edge, in its order."""
        for place, (name, small) in enumerate(self.strip):
            side, gap = strip_px(image.size, len(self.strip))
            left, top = gap + place * (side + gap), image.height - side - 2 * gap
            image.paste(_WHITE, (left - 2, top - 2, left + small.width + 2, top + small.height + 2))
            image.paste(small, (left, top))
            write(image, name, (left + 2, top + 2), max(_TEXT_MIN_PX, side // 6))


def strip_px(size: tuple[int, int], count: int) -> tuple[int, int]:
    """Return side and gap of what stands in the strip."""
    gap = max(4, min(size) // 64)
    return max(8, min(size[1] // 4, (size[0] - gap) // max(1, count) - gap)), gap


def title_of(film: Film) -> str:
    """Return the model and what it does with the inputs."""
    roles = list(dict.fromkeys(one.role for one in film.inputs))
    return " ".join(filter(None, (film.picture.model, film.function, "+".join(roles))))


def scene_of(film: Film, load: Load, steps: int) -> Scene:
    """Return what a film shows."""
    size = (film.picture.width, film.picture.height)
    moments = [film.film_s * step / steps for step in range(steps)]
    last, last_clip = film.of_role("last_frame"), film.of_role("last_clip")
    if film.function in _FUNCTIONS:
        made = Scene(_FUNCTIONS[film.function](film, load, moments))
    elif first := film.of_role("first_frame"):
        made = _still(_picture(first[0], load, size), steps)
    elif clip := film.of_role("first_clip"):
        made = _continued(clip[0], load, size, moments)
    elif edited := film.of_role("video", "reference_video")[:1]:
        made = _edited(film, edited[0], load, moments) if _is_edit(film) else _landscape(film, steps)
    else:
        made = _landscape(film, steps)
    if last_clip:
        made = _before(made, last_clip[0], load, film.film_s, moments)
    if last:
        made = _ending(made, _picture(last[0], load, size), steps)
    made.strip = _strip(film, load, size)
    return made


def _is_edit(film: Film) -> bool:
    """A reference film is only shown beside the film, unless the model also edits."""
    return bool(film.of_role("video")) or film.picture.model.startswith("wan3")


def _picture(one: ShownInput, load: Load, size: tuple[int, int]) -> Image.Image:
    return opened(load(one.digest)).resize(size)


def _still(picture: Image.Image, steps: int) -> Scene:
    """The picture itself, then ever closer."""

    def image(step: int) -> Image.Image:
        share = 1 - step / max(1, steps - 1) * (1 - 1 / (1 + ZOOM))
        width, height = picture.width * share, picture.height * share
        left, top = (picture.width - width) / 2, (picture.height - height) / 2
        box = (left, top, left + width, top + height)
        return picture.resize(picture.size, Image.Resampling.BILINEAR, box=box)

    return Scene(image, {0})


def _ending(before: Scene, last: Image.Image, steps: int) -> Scene:
    """What went before, fading into the last picture."""

    def image(step: int) -> Image.Image:
        if step == steps - 1:
            return last.copy()
        return Image.blend(before.image(step), last, step / (steps - 1))

    return Scene(image, {*before.untouched, steps - 1})


def _continued(clip: ShownInput, load: Load, size: tuple[int, int], moments: Sequence[float]) -> Scene:
    """The clip, and then its last frame, ever closer."""
    within = [moment for moment in moments if moment < clip.duration_s]
    frames = frames_at(load(clip.digest), [*within, clip.duration_s], size)
    rest = _still(frames[-1], len(moments) - len(within) + 1)
    return Scene(lambda step: frames[step].copy() if step < len(within) else rest.image(step - len(within) + 1))


def _before(made: Scene, clip: ShownInput, load: Load, film_s: float, moments: Sequence[float]) -> Scene:
    """What went before, and at the end the clip."""
    begin = film_s - clip.duration_s
    within = [moment - begin for moment in moments if moment >= begin]
    size = made.image(0).size
    frames = frames_at(load(clip.digest), within, size)
    first = len(moments) - len(within)
    untouched = {step for step in made.untouched if step < first}
    return Scene(lambda step: made.image(step) if step < first else frames[step - first].copy(), untouched)


def _edited(film: Film, clip: ShownInput, load: Load, moments: Sequence[float]) -> Scene:
    """The clip's own frames, tinted as an edited picture is."""
    size = (film.picture.width, film.picture.height)
    frames = frames_at(load(clip.digest), moments, size)
    edit = Edit(film.picture, "", ())
    return Scene(lambda step: instructed(frames[step], edit))


def _landscape(film: Film, steps: int) -> Scene:
    """The camera pans."""
    picture = film.picture
    wide = scene(replace(picture, width=int(picture.width * (1 + PAN))))

    def image(step: int) -> Image.Image:
        left = (wide.width - picture.width) * step // max(1, steps - 1)
        return wide.crop((left, 0, left + picture.width, picture.height))

    return Scene(image)


def _strip(film: Film, load: Load, size: tuple[int, int]) -> list[tuple[str, Image.Image]]:
    """What came along beside frames and clips; pictures, films and sounds are counted apart."""
    shown = film.of_role("reference_image", "reference_video", "reference_audio", "file", "link")
    side, _ = strip_px(size, len(shown))
    numbers: Counter[str] = Counter()
    strip = []
    for one in shown:
        numbers[one.kind] += 1
        strip.append((f"{_NAMES[one.kind]} {numbers[one.kind]}", _small(one, load, side)))
    return strip


def _small(one: ShownInput, load: Load, side: int) -> Image.Image:
    if one.kind == "image":
        image = opened(load(one.digest))
    elif one.kind == "video":
        image = frames_at(load(one.digest), [0.0], (4 * side, 4 * side * one.height // max(1, one.width)))[0]
    else:
        image = Image.new("RGB", (side, side), _COLOURS[one.kind])
    image.thumbnail((side, side))
    return image
