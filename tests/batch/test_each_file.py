"""`--each`: a folder is a queue. One row a file, named after it, paid once; new and changed files alone are run again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from PIL import Image

from bailian.sandbox import Fault, Sandbox
from tests.support.batches import records, states
from tests.support.commands import Run
from tests.support.processes import end, posix_only, start_script, until

EDIT = ("换成白色背景", "-m", "qwen-image-2.0")
FOLDER = "outputs/照片-image_edit"
EDITS = "from image_edit import main"


def picture(name: str, colour: str = "red") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (512, 512), colour).save(path)
    return path


@pytest.fixture
def photos() -> None:
    for number, colour in enumerate(("red", "green", "blue")):
        picture(f"照片/猫{number}.jpg", colour)


def edits(box: Sandbox) -> int:
    return len(box.sync_calls)


@pytest.mark.usefixtures("photos")
def test_each_file_is_a_row_named_after_it(image_edit: Run, box: Sandbox) -> None:
    picture("照片/里/狗.png")
    ran = image_edit(*EDIT, "--each", "照片/**/*.*")
    assert sorted(map(str, ran.paths)) == [f"{FOLDER}/{name}.png" for name in ("猫0", "猫1", "猫2", "里/狗")]
    assert "照片/**/*.*: done 4" in ran.err
    assert [row["label"] for row in records(FOLDER)] == ["猫0", "猫1", "猫2", "里/狗"]


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_only_new_and_changed_files_are_run_again(image_edit: Run, box: Sandbox) -> None:
    image_edit(*EDIT, "--each", "照片")
    assert "all 3 rows were done before" in image_edit(*EDIT, "--each", "照片/*").err
    assert edits(box) == 3
    picture("照片/猫1.jpg", "purple")
    picture("照片/新.jpg")
    Path("照片/猫2.jpg").unlink()
    ran = image_edit(*EDIT, "--each", "照片")
    assert "3 rows: 2 to run, 1 done before" in ran.err
    assert sorted(path.name for path in ran.paths) == ["新.png", "猫1-2.png"]
    assert edits(box) == 5


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_a_moved_folder_pays_nothing_again(image_edit: Run, box: Sandbox) -> None:
    image_edit(*EDIT, "--each", "照片", "--run", "shop")
    Path("照片").rename("旧照片")
    assert "all 3 rows were done before" in image_edit(*EDIT, "--each", "旧照片", "--run", "shop").err
    assert edits(box) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_another_name_of_the_results_pays_nothing_again(image_edit: Run, box: Sandbox) -> None:
    image_edit(*EDIT, "--each", "照片")
    assert "3 done before" in image_edit(*EDIT, "--each", "照片", "--name", "{id}_白", "-o", "o").err
    assert edits(box) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_a_copy_has_a_result_of_its_own(image_edit: Run, box: Sandbox) -> None:
    image_edit(*EDIT, "--each", "照片")
    Path("照片/副本.jpg").write_bytes(Path("照片/猫1.jpg").read_bytes())
    assert [path.name for path in image_edit(*EDIT, "--each", "照片").paths] == ["副本.png"]


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_files_of_one_stem_are_told_apart(image_edit: Run, box: Sandbox) -> None:
    image_edit(*EDIT, "--each", "照片/猫0.*")
    picture("照片/猫0.png", "yellow")
    ran = image_edit(*EDIT, "--each", "照片/猫0.*")
    assert "1 to run, 1 done before" in ran.err
    assert [path.name for path in ran.paths] == ["猫0_png.png"]


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_one_model_more_is_one_row_more(image_edit: Run, box: Sandbox) -> None:
    image_edit(*EDIT, "--each", "照片/猫0.jpg")
    ran = image_edit("换成白色背景", "-m", "qwen-image-2.0,wan2.7-image", "--each", "照片/猫0.jpg")
    assert "2 rows: 1 to run, 1 done before" in ran.err


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_another_request_is_other_rows_and_going_back_pays_nothing(image_edit: Run, box: Sandbox) -> None:
    image_edit(*EDIT, "--each", "照片")
    assert "3 to run" in image_edit("变成夜晚", "-m", "qwen-image-2.0", "--each", "照片").err
    assert "3 done before" in image_edit(*EDIT, "--each", "照片").err
    assert edits(box) == 6


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_a_bad_file_stops_a_person_and_not_cron(image_edit: Run, box: Sandbox) -> None:
    Path("照片/坏.jpg").write_text("no picture", encoding="utf-8")
    refused = image_edit(*EDIT, "--each", "照片", exits=2)
    assert "坏, image:" in refused.err
    assert "is text; taken: JPG" in refused.err
    assert edits(box) == 0
    ran = image_edit(*EDIT, "--each", "照片", "--cron", exits=7)
    assert "坏: left out: image:" in ran.err
    assert ran.out == ""
    again = image_edit(*EDIT, "--each", "照片", "--cron", exits=7)
    assert "坏: left out" in again.err
    picture("照片/坏.jpg")
    assert image_edit(*EDIT, "--each", "照片", "--cron").err == ""
    assert edits(box) == 4


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_a_request_that_no_file_fits_is_refused_for_cron_too(image_edit: Run, box: Sandbox) -> None:
    ran = image_edit(*EDIT, "-n", "99", "--each", "照片", "--cron", exits=2)
    assert "nothing is sent" in ran.err
    assert edits(box) == 0


@pytest.mark.slow
def test_an_empty_queue_is_silent_for_cron(image_edit: Run) -> None:
    Path("照片").mkdir()
    ran = image_edit(*EDIT, "--each", "照片/*.jpg", "--cron")
    assert (ran.out, ran.err) == ("", "")
    assert "no file is found" in image_edit(*EDIT, "--each", "照片/*.jpg", exits=2).err
    for missing in ("照品/*.jpg", "照品"):
        assert "there is no" in image_edit(*EDIT, "--each", missing, "--cron", exits=2).err


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_a_dry_run_sends_and_writes_nothing(image_edit: Run, box: Sandbox) -> None:
    plan = json.loads(image_edit(*EDIT, "--each", "照片", "--dry-run", "--json").out)
    assert (plan["to_run"], plan["cost"]["estimate"]) == (3, pytest.approx(0.6))
    assert box.requests == []
    assert not Path("outputs").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(("seed", "exits"), [("1", 0), ("2", 0)])
def test_options_and_a_config_of_one_request_hold_for_each(
    image_edit: Run, box: Sandbox, seed: str, exits: int
) -> None:
    Path("r.json").write_text(
        json.dumps({"prompt": "变成夜晚", "model": "qwen-image-2.0", "seed": 5}), encoding="utf-8"
    )
    image_edit("--config", "r.json", "--each", "照片", "--seed", seed, "--name", "{id}_夜", exits=exits)
    assert {(row["seed"], row["prompt"]) for row in records(FOLDER)} == {(int(seed), "变成夜晚")}
    assert {Path(name).name for row in records(FOLDER) for name in row["files"]} == {f"猫{i}_夜.png" for i in range(3)}


@pytest.mark.slow
def test_texts_are_spoken_and_written_down_again(audio: Run, box: Sandbox) -> None:
    for name in ("一.txt", "二.md"):
        Path("书").mkdir(exist_ok=True)
        Path("书", name).write_text(f"这是{name}的内容。", encoding="utf-8")
    spoken = audio("tts", "--each", "书", "--voice", "sambert-zhichu-v1")
    assert sorted(path.name for path in spoken.paths) == ["一.wav", "二.wav"]
    Path("书/一.txt").write_text("改过的内容。", encoding="utf-8")
    assert "1 to run, 1 done" in audio("tts", "--each", "书", "--voice", "sambert-zhichu-v1").err
    told = audio("asr", "--each", "outputs/书-speech/*.wav", "-m", "paraformer-v2", "-f", "srt")
    assert sorted(path.name for path in told.paths) == ["一-2.srt", "一.srt", "二.srt"]


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_pictures_become_films_and_texts_about_them(text2video: Run, text2text: Run, box: Sandbox) -> None:
    films = text2video("动起来", "--each", "照片/*.jpg", "-o", "片/")
    assert sorted(path.name for path in films.paths) == ["猫0.mp4", "猫1.mp4", "猫2.mp4"]
    Path("照片/说明.txt").write_text("x", encoding="utf-8")
    seen = text2text("图中有什么", "--each", "照片", "-m", "qwen3.7-plus")
    assert sorted(path.name for path in seen.paths) == ["猫0.txt", "猫1.txt", "猫2.txt"]
    assert "1 file does not go in here: 说明.txt" in seen.err


@pytest.mark.slow
def test_texts_stand_behind_the_question(text2text: Run, box: Sandbox) -> None:
    Path("文").mkdir()
    Path("文/a.txt").write_text("很长的文章", encoding="utf-8")
    text2text("总结：", "--each", "文", "-m", "qwen-plus")
    (row,) = records("outputs/文-text")
    assert row["prompt"] == "总结：\n\n很长的文章"


@pytest.mark.slow
def test_one_row_a_model(text2image: Run, box: Sandbox) -> None:
    models = "wan2.2-t2i-flash,z-image-turbo"
    ran = text2image("山上的猫", "-m", models, "-s", "1024*1024")
    assert {row["model"] for row in records("outputs/山上的猫-image")} == set(models.split(","))
    assert len(ran.paths) == 2
    again = text2image("山上的猫", "-m", models, "-s", "1024*1024")
    assert "all 2 rows were done before" in again.err
    assert "they are in outputs/山上的猫-image; --run NAME makes them anew" in again.err
    anew = text2image("山上的猫", "-m", models, "-s", "1024*1024", "--run", "新的")
    assert "2 to run" in anew.err
    assert {path.parent for path in anew.paths} == {Path("outputs/新的-image")}
    assert len({*ran.paths, *anew.paths}) == 4


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_files_by_models(image_edit: Run, box: Sandbox) -> None:
    ran = image_edit("夜晚", "-m", "qwen-image-2.0,wan2.7-image", "--each", "照片/猫[01].jpg")
    names = [f"猫{number}_{model}.png" for number in "01" for model in ("qwen-image-2.0", "wan2.7-image")]
    assert sorted(path.name for path in ran.paths) == sorted(names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-m", "wan2.2-t2i-flash,wan2.2-t2i-flash"), "model: wan2.2-t2i-flash is named twice"),
        (("-m", "wan2.2-t2i-flash,nosuch"), "nosuch, model: unknown model 'nosuch'"),
        (("-m", "wan2.2-t2i-flash,qwen-image-plus", "-s", "512*512"), "qwen-image-plus, size:"),
        (("--cron",), "cron: belongs to many rows"),
        (("--run", "x"), "run: belongs to many rows"),
        (("--retry-held",), "retry-held: belongs to many rows"),
        (("-m", "wan2.2-t2i-flash,z-image-turbo", "-o", "a.png"), "many results need a folder"),
    ],
)
def test_what_does_not_go_together(text2image: Run, box: Sandbox, words: tuple[str, ...], told: str) -> None:
    assert told in text2image("猫", *words, exits=2).err
    assert box.requests == []


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
def test_a_pattern_that_the_shell_took_apart_says_so(image_edit: Run) -> None:
    ran = image_edit("x", "--each", "照片/猫0.jpg", "照片/猫1.jpg", exits=2)
    assert "put the pattern in quotation marks" in ran.err


@pytest.mark.slow
def test_why_rows_failed_stands_in_a_file_that_runs_again(text2image: Run, bailian: Run, box: Sandbox) -> None:
    Path("p.txt").write_text("好\n[sandbox:refuse]\n", encoding="utf-8")
    text2image("--config", "p.txt", exits=7)
    (failed,) = [json.loads(line) for line in Path("outputs/p-image/failed.jsonl").read_text("utf-8").splitlines()]
    assert failed["error"]["code"] == "DataInspectionFailed"
    assert failed["error"]["message"]
    assert "1 row: 1 to run" in bailian("batch", "run", "outputs/p-image/failed.jsonl", exits=7).err


@pytest.mark.slow
def test_a_table_of_people(bailian: Run, box: Sandbox) -> None:
    Path("表.csv").write_bytes("编号,提示词,颜色,文件名\nSKU-1,一只{颜色}的猫,红,{颜色}-{编号}\n".encode("gbk"))
    ran = bailian("batch", "run", "表.csv", "--kind", "图片")
    assert [path.name for path in ran.paths] == ["红-SKU-1.png"]
    assert "used only where a prompt or name says {颜色}: 颜色" in ran.err
    assert [row["prompt"] for row in records("outputs/表")] == ["一只红的猫"]


@pytest.mark.slow
@posix_only
@pytest.mark.usefixtures("photos")
def test_killed_in_the_middle_each_file_is_paid_once(image_edit: Run, box: Sandbox) -> None:
    box.faults.add(Fault("sync", "slow", times=None, delay_s=0.3))
    words = (*EDIT, "--each", "照片")
    process = start_script(box, *words, command=EDITS)
    until(lambda: len(list(Path(FOLDER).glob("*.png"))) >= 1)
    process.send_signal(signal.SIGKILL)
    end(process)
    box.faults.clear()
    ran = image_edit(*words, exits=None)
    assert ran.code in (0, 7), ran.err
    assert states(FOLDER)["done"] + states(FOLDER)["held"] == 3
    assert edits(box) <= 3, "paid twice; one that is held may never have been carried out"


@pytest.mark.slow
@posix_only
@pytest.mark.usefixtures("photos")
def test_two_at_once_pay_each_file_once(box: Sandbox) -> None:
    words = (*EDIT, "--each", "照片", "--cron")
    ran = [end(one) for one in [start_script(box, *words, command=EDITS) for _ in range(3)]]
    assert {one.code for one in ran} == {0}, ran
    assert edits(box) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("word", ["照片", "照片/", "照片/*.jpg", FOLDER])
def test_how_the_files_stand(image_edit: Run, bailian: Run, box: Sandbox, word: str) -> None:
    image_edit("[sandbox:refuse]", "-m", "qwen-image-2.0", "--each", "照片", exits=7)
    ran = bailian("batch", "status", word, exits=7)
    assert ran.out.startswith("image_edit\tfailed\tDataInspectionFailed\t3\t")
    assert "3 rows failed: DataInspectionFailed" in ran.err
    assert "  猫0 ([sandbox:refuse])" in ran.err.splitlines()
    assert "to go on: the same command" in ran.err


@pytest.mark.slow
def test_how_a_batch_stands_by_its_folder(bailian: Run, box: Sandbox) -> None:
    Path("a#b.jsonl").write_text('{"kind": "text", "prompt": "好"}', encoding="utf-8")
    bailian("batch", "run", "a#b.jsonl", "-o", "here")
    assert bailian("batch", "status", "here").out.startswith("text\tdone")
    assert "was not run" in bailian("batch", "status", "elsewhere/", exits=2).err
