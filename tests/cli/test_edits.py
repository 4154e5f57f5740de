"""image_edit.py and wanx_edit.py as a user meets them."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.setting import KEY


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A picture that both models take, with a Chinese name and a space."""
    path = tmp_path / "底 图.png"
    image = Image.linear_gradient("L").resize((640, 512)).convert("RGB")
    ImageDraw.Draw(image).rectangle((100, 100, 300, 300), fill="red")
    image.save(path)
    return path


def sent(box: Sandbox) -> dict[str, object]:
    (body,) = [entry.body for entry in box.requests if entry.method == "POST" and "services" in entry.path]
    assert isinstance(body, dict)
    return body


FUNCTIONS = {
    "stylization_all": (["转换成法国绘本风格"], {"strength": 0.5}),
    "stylization_local": (["把房子变成木板风格"], {}),
    "description_edit": (["把女孩的头发修改为红色", "--strength", "0.8"], {"strength": 0.8}),
    "description_edit_with_mask": (["陶瓷兔子抱着陶瓷小花", "--mask-box", "10%,10%,30%,30%"], {}),
    "remove_watermark": ([], {}),
    "expand": (
        ["绿色仙子", "--top-scale", "1.5", "--left-scale", "1.2"],
        {"top_scale": 1.5, "bottom_scale": 1.0, "left_scale": 1.2, "right_scale": 1.0},
    ),
    "super_resolution": (["--upscale-factor", "2"], {"upscale_factor": 2}),
    "colorization": (["蓝色背景，黄色的叶子"], {}),
    "doodle": (["北欧风格的客厅", "--is-sketch"], {"is_sketch": True}),
    "control_cartoon_feature": (["卡通形象探出头"], {}),
}
DEFAULT_PROMPTS = {"remove_watermark": "去除图像中的文字", "super_resolution": "图像超分"}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.few(2)
def test_every_function_of_the_seed_makes_a_picture(wanx_edit: Run, box: Sandbox, base: Path, function: str) -> None:
    """Each sends exactly its own arguments, explicitly, and the result differs from the picture."""
    words, own = FUNCTIONS[function]
    (path,) = wanx_edit(*words, "--function", function, "--image", str(base)).paths
    body = sent(box)
    assert body["parameters"] == {"n": 1, "watermark": False, **own}
    wire_input = body["input"]
    assert isinstance(wire_input, dict)
    assert wire_input["function"] == function
    assert wire_input["prompt"] == (DEFAULT_PROMPTS.get(function) or words[0])
    assert wire_input["base_image_url"].startswith("data:image/png;base64,")
    assert ("mask_image_url" in wire_input) == (function == "description_edit_with_mask")
    with Image.open(path) as result, Image.open(base) as before:
        assert result.convert("RGB").tobytes() != before.tobytes()


@pytest.mark.slow
def test_functions_have_chinese_names(wanx_edit: Run, box: Sandbox, base: Path) -> None:
    wanx_edit("--function", "图像超分", "--image", str(base))
    assert box.tasks[0].body["input"]["function"] == "super_resolution"


NOTHING = {
    "expand": {"function": "expand", "prompt": "更宽"},
    "expand, said": {"function": "扩图", "prompt": "更宽", "top_scale": 1.0},
    "super_resolution": {"function": "super_resolution"},
    "super_resolution, said": {"function": "图像超分", "upscale_factor": 1},
}


@pytest.mark.parametrize("door", ["flags", "--config", "rows.json", "rows.jsonl", "rows.csv"])
@pytest.mark.parametrize("fields", NOTHING.values(), ids=NOTHING)
@pytest.mark.few(1)
def test_what_changes_nothing_is_said_before_it_is_paid(
    wanx_edit: Run, box: Sandbox, base: Path, fields: dict[str, object], door: str
) -> None:
    """The seed's own examples ask so: a notice, which --strict refuses."""
    values = {**fields, "image": str(base)}
    if door == "flags":
        words = [str(fields["prompt"])] if "prompt" in fields else []
        for name, value in values.items():
            words += [f"--{name.replace('_', '-')}", str(value)] if name != "prompt" else []
    else:
        name = "one.json" if door == "--config" else door
        content = {
            "--config": json.dumps(values),
            "rows.json": json.dumps({"wanx_edit_tasks": [values]}),
            "rows.jsonl": json.dumps(values),
            "rows.csv": ",".join(values) + "\n" + ",".join(map(str, values.values())),
        }[door]
        Path(name).write_text(content, encoding="utf-8")
        words = ["--config", name]
    assert "and it is billed" in wanx_edit(*words, "--strict", exits=2).err
    assert not box.requests
    said = wanx_edit(*words).err
    assert said.count("and it is billed") == 1
    assert said.index("and it is billed") < said.index("0.14 CNY")


def test_what_changes_something_is_not_remarked(wanx_edit: Run, base: Path) -> None:
    for words in (
        ["--function", "图像超分", "--upscale-factor", "2"],
        ["宽", "--function", "expand", "--top-scale", "1.1"],
    ):
        assert wanx_edit(*words, "--image", str(base), "--dry-run").json["notices"] == []


def test_only_the_masks_white_region_changes(wanx_edit: Run, base: Path) -> None:
    (path,) = wanx_edit("兔子", "--image", str(base), "--mask-box", "100,100,200,200").paths
    with Image.open(path) as result, Image.open(base) as before:
        assert result.convert("RGB").crop((0, 0, 90, 512)).tobytes() == before.crop((0, 0, 90, 512)).tobytes()
        inside = (100, 100, 300, 300)
        assert result.convert("RGB").crop(inside).tobytes() != before.crop(inside).tobytes()


WANX_REFUSALS = {
    "an argument of another function": (["--function", "expand", "--strength", "0.5"], "its own: top_scale"),
    "out of range": (["--function", "expand", "--top-scale", "2.5"], "2.5 is not in 1 to 2"),
    "factor 5": (["--function", "super_resolution", "--upscale-factor", "5"], "5 is not in 1 to 4"),
    "no such function": (["--function", "remove_watermaker"], "remove_watermark"),
    "no function": ([], "function: is required"),
    "a mask for a function without": (["--function", "doodle", "--mask-box", "1,1,9,9"], "takes no mask"),
    "no mask": (["--function", "description_edit_with_mask"], "needs a mask"),
    "no box": (["--mask-box", "1,2,3"], "x,y,w,h"),
    "n 5": (["--function", "colorization", "--n", "5"], "1 to 4"),
    "empty prompt where one is needed": (["", "--function", "stylization_all"], "prompt: is empty"),
}


@pytest.mark.parametrize("words, says", WANX_REFUSALS.values(), ids=WANX_REFUSALS)
def test_refused_before_a_byte_is_sent(wanx_edit: Run, box: Sandbox, base: Path, words: list[str], says: str) -> None:
    given = words if words[:1] == [""] else ["提示", *words]
    assert says in wanx_edit(*given, "--image", str(base), exits=2).err
    assert box.requests == []


def picture(path: Path, size: tuple[int, int]) -> Path:
    Image.new("RGB", size, "teal").save(path)
    return path


@pytest.mark.parametrize("size, taken", [((512, 512), True), ((511, 600), False), ((4097, 600), False)])
def test_wanx_takes_512_to_4096(wanx_edit: Run, tmp_path: Path, size: tuple[int, int], taken: bool) -> None:
    words = ["--function", "colorization", "--image", str(picture(tmp_path / "a.png", size)), "--dry-run"]
    assert ("512 to 4096" in wanx_edit(*words, exits=0 if taken else 2).err) != taken


@pytest.mark.few(1)
@pytest.mark.parametrize("size, taken", [((384, 3072), True), ((383, 600), False), ((600, 3073), False)])
def test_qwen_takes_384_to_3072(image_edit: Run, tmp_path: Path, size: tuple[int, int], taken: bool) -> None:
    words = ["编辑", "--image", str(picture(tmp_path / "a.png", size)), "--dry-run"]
    assert ("384 to 3072" in image_edit(*words, exits=0 if taken else 2).err) != taken


@pytest.mark.slow
def test_a_mask_is_checked_and_repaired(wanx_edit: Run, box: Sandbox, base: Path, tmp_path: Path) -> None:
    """A grey mask of another size is refused with the cure; the cure works."""
    Image.linear_gradient("L").resize((100, 80)).save(tmp_path / "mask.png")
    words = [
        "兔子",
        "--function",
        "description_edit_with_mask",
        "--image",
        str(base),
        "--mask",
        str(tmp_path / "mask.png"),
    ]
    assert "--mask-fix" in wanx_edit(*words, exits=2).err
    assert box.requests == []
    assert len(wanx_edit(*words, "--mask-fix").paths) == 1


def test_the_preview_sends_nothing(wanx_edit: Run, box: Sandbox, base: Path) -> None:
    ran = wanx_edit("--image", str(base), "--mask-ellipse", "25%,25%,50%,50%", "--mask-preview", "预览.png")
    with Image.open(ran.paths[0]) as shown:
        assert shown.size == (640, 512)
    assert box.requests == []


@pytest.mark.slow
def test_a_turned_photo_is_sent_as_it_is_seen(wanx_edit: Run, box: Sandbox, tmp_path: Path) -> None:
    """EXIF rotation is counted once: picture and mask have the size a viewer shows."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (800, 600), "teal").save(tmp_path / "a.jpg", exif=exif)
    assert len(wanx_edit("兔子", "--image", str(tmp_path / "a.jpg"), "--mask-box", "0,0,50%,50%").paths) == 1


@pytest.mark.slow
def test_three_ways_to_give_a_picture(wanx_edit: Run, box: Sandbox, base: Path) -> None:
    """The seed's URL, local file and Base64; the picture that arrives is the same."""
    data = base64.b64encode(base.read_bytes()).decode()
    for image in (str(base), f"file://{base}", f"data:image/png;base64,{data}"):
        wanx_edit("--function", "colorization", "--image", image)
    urls = {task.body["input"]["base_image_url"] for task in box.tasks}
    assert urls == {f"data:image/png;base64,{data}"}
    assert len(wanx_edit("--function", "colorization", "--image", "http://example.com/图 1.jpg").paths) == 1
    assert box.tasks[-1].body["input"]["base_image_url"] == "http://example.com/%E5%9B%BE%201.jpg"


def test_an_upload_never_carries_the_key(image_edit: Run, box: Sandbox, base: Path) -> None:
    """--upload: grant, multipart without Authorization, `oss://` with the resolve header."""
    assert len(image_edit("编辑", "--image", str(base), "--upload").paths) == 1
    grant, stored, call = box.requests[:3]
    assert "getPolicy" in str(grant.query)
    assert "authorization" not in stored.headers
    assert KEY not in str(stored.headers) + str(stored.body)
    assert call.headers["x-dashscope-ossresourceresolve"] == "enable"
    assert call.body["input"]["messages"][0]["content"][0]["image"].startswith("oss://")


def test_a_large_file_is_uploaded_by_itself(wanx_edit: Run, box: Sandbox, tmp_path: Path) -> None:
    """Above the limit of data URIs, below the limit of the model."""
    Image.new("RGB", (1700, 1700), "teal").save(tmp_path / "large.bmp")
    assert 7_000_000 < (tmp_path / "large.bmp").stat().st_size < 10_000_000
    assert len(wanx_edit("--function", "colorization", "--image", str(tmp_path / "large.bmp")).paths) == 1
    assert box.tasks[0].body["input"]["base_image_url"].startswith("oss://")


def test_a_broken_upload_is_repeated_and_nothing_is_paid_twice(wanx_edit: Run, box: Sandbox, base: Path) -> None:
    box.faults.add(Fault(on="grant", kind="throttle"), Fault(on="upload", kind="reset_before"))
    words = ["--function", "colorization", "--image", str(base), "--upload"]
    assert len(wanx_edit(*words).paths) == 1
    assert len(box.tasks) == 1


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["reset_after", "html", "garbage"])
def test_a_lost_answer_of_a_blocking_edit_is_held(image_edit: Run, box: Sandbox, base: Path, kind: str) -> None:
    box.faults.add(Fault(on="sync", kind=kind))
    error = image_edit("编辑", "--image", str(base), "--json", exits=5).json["error"]
    assert error["code"] == "MaybeSent"
    assert sum(entry.method == "POST" for entry in box.requests) == 1


@pytest.mark.slow
def test_a_lost_answer_of_an_edit_task_is_held_until_a_person_says_which_is_it(
    wanx_edit: Run, bailian: Run, box: Sandbox, base: Path
) -> None:
    """Nothing in an edit's answer shows whose it is: the only candidate may be another machine's."""
    box.faults.add(Fault(on="submit", kind="reset_after"))
    ran = wanx_edit("--function", "colorization", "--image", str(base), exits=5)
    (task,) = box.tasks
    (command,) = [line.strip() for line in ran.err.splitlines() if "tasks adopt" in line]
    assert command.startswith(f"bailian tasks adopt {task.task_id} --job ")
    assert len(bailian(*command.split()[1:]).paths) == 1
    assert len(box.tasks) == 1


def test_json_keeps_the_documented_shape(image_edit: Run, base: Path) -> None:
    """`output.choices[].message.content[].image`, with the path beside it."""
    shown = image_edit("编辑", "--image", str(base), "--json").json
    (part,) = shown["output"]["choices"][0]["message"]["content"]
    assert part["path"] == shown["files"][0]
    assert part["image"].startswith("http")
    assert shown["cost"]["charged"] == 0.3


def test_several_pictures_and_their_limit(image_edit: Run, box: Sandbox, base: Path) -> None:
    three = ["--image", str(base)] * 3
    assert len(image_edit("合成", *three).paths) == 1
    assert "1-3 pictures, not 4" in image_edit("合成", *three, "--image", str(base), exits=2).err
    assert "not 0" in image_edit("合成", exits=2).err


def test_the_seeds_bodies_run_as_configs(image_edit: Run, wanx_edit: Run, box: Sandbox, tmp_path: Path) -> None:
    """The curl bodies of the user's document, as files."""
    edit = {
        "model": "qwen-image-edit",
        "input": {
            "messages": [
                {"role": "user", "content": [{"image": "https://example.com/dog.jpg"}, {"text": "将狗改为站立姿势"}]}
            ]
        },
        "parameters": {"negative_prompt": "低质量", "watermark": False},
    }
    (tmp_path / "edit.json").write_text(json.dumps(edit))
    assert len(image_edit("--config", str(tmp_path / "edit.json")).paths) == 1
    wanx = {
        "model": "wanx2.1-imageedit",
        "input": {
            "function": "description_edit_with_mask",
            "prompt": "陶瓷兔子抱着陶瓷小花",
            "base_image_url": "http://example.com/base.jpg",
            "mask_image_url": "http://example.com/mask.png",
        },
    }
    (tmp_path / "wanx.json").write_text(json.dumps(wanx))
    assert len(wanx_edit("--config", str(tmp_path / "wanx.json")).paths) == 1


def test_paths_in_a_config_are_relative_to_it(wanx_edit: Run, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = base.parent / "配置"
    folder.mkdir()
    (folder / "c.json").write_text(json.dumps({"function": "colorization", "image": "../底 图.png"}))
    assert len(wanx_edit("--config", str(folder / "c.json")).paths) == 1


@pytest.mark.slow
def test_show_prints_a_command_that_edits_again(wanx_edit: Run, bailian: Run, base: Path) -> None:
    (path,) = wanx_edit(
        "更宽", "--function", "expand", "--left-scale", "1.5", "--image", str(base), "--seed", "4"
    ).paths
    command = bailian("show", str(path), "--json").json["command"]
    (again,) = wanx_edit(*shlex.split(command)[2:]).paths
    with Image.open(path) as one, Image.open(again) as other:
        assert one.tobytes() == other.tobytes()
