"""A mask is looked at before paying, whatever door it comes through: one table of masks, one of doors."""

from __future__ import annotations

import base64
import csv
import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image, ImageDraw

from bailian.catalog import catalog
from bailian.errors import InvalidRequest
from bailian.inputs import masks, resolve
from bailian.modalities.picture import wanx_edit as edits
from bailian.sandbox import Sandbox
from tests.support.commands import Run

SIZE = (640, 512)
FUNCTION = "description_edit_with_mask"


@pytest.fixture
def base() -> str:
    Image.linear_gradient("L").resize(SIZE).convert("RGB").save("底 图.png")
    return "底 图.png"


def saved(image: Image.Image) -> str:
    image.save("遮 罩.png")
    return "遮 罩.png"


def boxed(size: tuple[int, int] = SIZE, *, tone: int = 255) -> Image.Image:
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).rectangle((100, 100, 299, 299), fill=tone)
    return image


def strokes(color: str) -> Image.Image:
    """What a painting program saves as a layer: strokes, and nothing where nothing is painted."""
    image = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 639, 51), fill=color)
    return image


def erased(under: tuple[int, int, int]) -> Image.Image:
    """A black picture with a part erased; `under` is the colour that the file still holds there."""
    image = Image.new("RGBA", SIZE, (0, 0, 0, 255))
    image.paste((*under, 0), (0, 0, 640, 128))
    return image


def photo_with_a_hole() -> Image.Image:
    image = Image.effect_noise(SIZE, 90).convert("RGB")
    image = Image.merge(
        "RGBA", (*image.split()[:2], Image.linear_gradient("L").resize(SIZE), Image.new("L", SIZE, 255))
    )
    image.paste((0, 0, 0, 0), (0, 0, 640, 128))
    return image


BAD_MASKS: dict[str, tuple[Callable[[], Image.Image], str]] = {
    "all black": (lambda: Image.new("RGB", SIZE, "black"), "is all black: nothing would be changed"),
    "all white": (lambda: Image.new("1", SIZE, 1), "is all white: everything would be changed"),
    "grey instead of white": (lambda: boxed(tone=128), "is not pure black and white: --mask-fix"),
    "red instead of white": (lambda: Image.merge("RGB", (boxed(), boxed(tone=0), boxed(tone=0))), "is not pure"),
    "another size": (lambda: boxed((512, 640)), "is 512*640, the picture is 640*512"),
    "white strokes on a transparent layer": (lambda: strokes("white"), "paint makes 10.2 % white"),
    "red strokes on a transparent layer": (lambda: strokes("red"), "its transparency 89.8 %"),
    "a black picture with an erased part": (lambda: erased((0, 0, 0)), "--mask-fix makes that part (25 %) white"),
    "a photo with an erased part": (photo_with_a_hole, "--mask-fix makes that part (25 %) white"),
}
GOOD_MASKS: dict[str, Callable[[], Image.Image]] = {
    "grey scale": boxed,
    "one bit": lambda: boxed().convert("1"),
    "opaque with an alpha channel": lambda: boxed().convert("RGBA"),
    "a palette": lambda: boxed().convert("P"),
    "erased where white is underneath": lambda: erased((255, 255, 255)),
}


def flag(run: Run, base: str, mask: str, exits: int) -> str:
    return run("兔子", "--function", FUNCTION, "--image", base, "--mask", mask, exits=exits).err


def data_uri(run: Run, base: str, mask: str, exits: int) -> str:
    uri = f"data:image/png;base64,{base64.b64encode(Path(mask).read_bytes()).decode()}"
    return flag(run, base, uri, exits)


def stdin(run: Run, base: str, mask: str, exits: int) -> str:
    piped = SimpleNamespace(stdin=SimpleNamespace(buffer=io.BytesIO(Path(mask).read_bytes())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "sys", piped)
        return flag(run, base, "-", exits)


def request(base: str, mask: str) -> dict[str, str]:
    return {"function": FUNCTION, "prompt": "兔子", "image": base, "mask": mask}


def config(run: Run, base: str, mask: str, exits: int) -> str:
    Path("c.json").write_text(json.dumps(request(base, mask)))
    return run("--config", "c.json", exits=exits).err


def wire_config(run: Run, base: str, mask: str, exits: int) -> str:
    """The body of the service's own documents."""
    asked = {"function": FUNCTION, "prompt": "兔子", "base_image_url": base, "mask_image_url": mask}
    Path("c.json").write_text(json.dumps({"model": "wanx2.1-imageedit", "input": asked}))
    return run("--config", "c.json", exits=exits).err


def json_rows(run: Run, base: str, mask: str, exits: int) -> str:
    Path("rows.json").write_text(json.dumps({"wanx_edit_tasks": [request(base, mask)]}))
    return run("--config", "rows.json", exits=exits).err


def jsonl(run: Run, base: str, mask: str, exits: int) -> str:
    Path("rows.jsonl").write_text(json.dumps(request(base, mask)) + "\n")
    return run("--config", "rows.jsonl", exits=exits).err


def csv_rows(run: Run, base: str, mask: str, exits: int) -> str:
    with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(request("", "")))
        table.writeheader()
        table.writerow(request(base, mask))
    return run("--config", "rows.csv", exits=exits).err


def python(_run: Run, base: str, mask: str, exits: int) -> str:
    found = {name: resolve.resolve(name, word, Path("bailian")) for name, word in (("image", base), ("mask", mask))}
    values = {**request("", ""), **{name: [one.url] for name, one in found.items()}}
    try:
        edits.prepare(values, catalog.load(Path("bailian")), "beijing", {one.url: one for one in found.values()})
    except InvalidRequest as error:
        code, said = int(error.exit_code), str(error)
    else:
        code, said = 0, ""
    if code != exits:
        pytest.fail(f"exit {code}, not {exits}: {said}")
    return said


DOORS = (flag, data_uri, stdin, config, wire_config, json_rows, jsonl, csv_rows, python)
doors = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)


@pytest.mark.few(3)
@doors
@pytest.mark.parametrize("draw, says", BAD_MASKS.values(), ids=BAD_MASKS)
def test_an_unusable_mask_is_refused_at_every_door(
    wanx_edit: Run, box: Sandbox, base: str, draw: Callable[[], Image.Image], says: str, door: Callable[..., str]
) -> None:
    """Nothing is sent, so nothing is paid for an edit of all or of nothing."""
    said = door(wanx_edit, base, saved(draw()), 2)
    assert says in said
    assert "mask: " in said
    assert box.requests == []


@pytest.mark.few(2)
@doors
def test_a_picture_that_cannot_be_read_is_no_mask_at_any_door(
    wanx_edit: Run, box: Sandbox, base: str, door: Callable[..., str]
) -> None:
    path = Path(saved(boxed()))
    path.write_bytes(path.read_bytes()[:400])
    try:
        said = door(wanx_edit, base, str(path), 2)
    except InvalidRequest as error:  # from Python, an input is refused where it is resolved
        said = str(error)
    assert "damaged" in said
    assert box.requests == []


@pytest.mark.few(2)
@doors
def test_a_usable_mask_passes_every_door(wanx_edit: Run, base: str, door: Callable[..., str]) -> None:
    door(wanx_edit, base, saved(boxed()), 0)


@pytest.mark.few(2)
@pytest.mark.parametrize("draw", GOOD_MASKS.values(), ids=GOOD_MASKS)
def test_a_usable_mask_may_be_stored_in_many_ways(base: str, draw: Callable[[], Image.Image]) -> None:
    python(lambda: None, base, saved(draw()), 0)


@pytest.mark.few(1)
@pytest.mark.parametrize("by, share", [("paint", 0.1), ("alpha", 0.9)])
@pytest.mark.parametrize("color", ["white", "red"])
def test_a_mask_with_two_readings_names_a_command_for_either(
    wanx_edit: Run, bailian: Run, box: Sandbox, base: str, by: str, share: float, color: str
) -> None:
    """The commands in the refusal of a row work as they stand, and what they write is taken."""
    said = jsonl(wanx_edit, base, saved(strokes(color)), 2)
    command = next(part for part in said.split("`") if f"--mask-from {by}" in part)
    words = shlex.split(command)
    assert words[:2] == ["bailian", "wanx-edit"]
    (path,) = wanx_edit(*words[2:]).paths
    assert box.requests == []
    with Image.open(path) as mask:
        assert abs(masks.look(mask).white - share) < 0.01
    jsonl(wanx_edit, base, str(path), 0)


@pytest.mark.slow
def test_mask_fix_asks_as_well_and_takes_the_answer(wanx_edit: Run, box: Sandbox, base: str) -> None:
    """Both options repair; where there are two ways to read a mask, only --mask-from says which."""
    words = ["兔子", "--image", base, "--mask", saved(strokes("white"))]
    assert "--mask-from paint" in wanx_edit(*words, "--mask-fix", exits=2).err
    assert box.requests == []
    assert len(wanx_edit(*words, "--mask-fix", "--mask-from", "paint").paths) == 1


@pytest.mark.slow
def test_mask_fix_takes_the_erased_part_of_a_photo(wanx_edit: Run, base: str) -> None:
    words = ["--image", base, "--mask", saved(photo_with_a_hole()), "--mask-fix", "--mask-save", "m.png"]
    (path,) = wanx_edit(*words).paths
    with Image.open(path) as mask:
        assert masks.look(mask).white == 0.25


@pytest.mark.slow
def test_mask_options_change_the_mask_of_a_config(wanx_edit: Run, box: Sandbox, base: str) -> None:
    """The advice --mask-fix holds for a config's mask, too: without it, following the advice would change nothing."""
    Path("c.json").write_text(json.dumps(request(base, saved(boxed(tone=200)))))
    assert "--mask-fix" in wanx_edit("--config", "c.json", exits=2).err
    assert len(wanx_edit("--config", "c.json", "--mask-fix").paths) == 1


@pytest.mark.slow
def test_a_mask_alone_can_be_inverted(wanx_edit: Run, box: Sandbox, base: str) -> None:
    """No option is ignored silently: what is sent is the mask as the options make it."""
    wanx_edit("兔子", "--image", base, "--mask", saved(boxed()), "--mask-invert")
    uri = box.tasks[0].body["input"]["mask_image_url"]
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as mask:
        assert mask.getpixel((0, 0)) == 255
        assert mask.getpixel((200, 200)) == 0


def test_a_picture_on_the_web_may_have_a_repaired_mask(wanx_edit: Run, base: str) -> None:
    words = ["--image", "https://example.com/a.png", "--mask", saved(strokes("white"))]
    said = wanx_edit("兔子", *words, exits=2).err
    command = next(part for part in said.split("`") if "--mask-from paint" in part)
    assert "--image" not in command
    assert len(wanx_edit(*shlex.split(command)[2:]).paths) == 1


def test_two_masks_are_refused(wanx_edit: Run, box: Sandbox, base: str) -> None:
    Path("c.json").write_text(json.dumps({**request(base, ""), "mask": [saved(boxed())] * 2}))
    assert "give one mask, not 2" in wanx_edit("--config", "c.json", exits=2).err
    assert box.requests == []


@pytest.mark.slow
def test_a_mask_of_a_thousand_rows_is_looked_at_once(
    wanx_edit: Run, box: Sandbox, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows are named as one problem."""
    looks = []
    look = masks.look
    monkeypatch.setattr(masks, "look", lambda image: looks.append(1) or look(image))
    rows = [{**request(base, saved(Image.new("L", SIZE))), "seed": seed} for seed in range(1000)]
    Path("rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    said = wanx_edit("--config", "rows.jsonl", exits=2).err
    assert "1 problem" in said
    assert "998 more rows" in said
    assert len(looks) == 1
    assert box.requests == []
