"""settings.toml, profiles, `bailian login`, `bailian config show`: what stands for options that are left out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bailian.config import keyring_store
from bailian.config.settings import home_folder
from bailian.config.settings_file import SCRIPT_KINDS
from bailian.files import recipe
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import wav
from tests.support.setting import KEY, ROOT

KEYS = {"plain": "sk-0123456789abcdef0123", "shop": "sk-fedcba98765432101234"}


@pytest.fixture
def written(box: Sandbox) -> Any:
    """Write settings.toml into the home folder."""

    def write(text: str) -> Path:
        path = home_folder() / "settings.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def settings(bailian: Run, *words: str) -> dict[str, tuple[Any, str | None]]:
    rows = bailian("config", "show", "--json", *words).json["settings"]
    return {row["setting"]: (row["value"], row["from"]) for row in rows}


@pytest.mark.slow
def test_defaults_stand_for_what_is_left_out_and_a_flag_wins(
    box: Sandbox, text2image: Run, bailian: Run, written: Any
) -> None:
    """One picture and a row of a batch alike."""
    written('[output]\nfolder = "图"\nname = "{model}_{prompt}"\n[text2image]\nsize = "512*512"\nn = 2\n')
    assert [path.as_posix() for path in text2image("猫").paths] == [f"图/wan2.2-t2i-flash_猫_{n}.png" for n in (1, 2)]
    text2image("狗", "--n", "1", "--size", "1024*1024", "-o", "one.png")
    Path("rows.jsonl").write_text('{"kind": "image", "prompt": "鸟"}\n', encoding="utf-8")
    assert "图/rows/wan2.2-t2i-flash_鸟_1.png" in bailian("batch", "run", "rows.jsonl").out
    sent = [(task.body["parameters"]["size"], task.body["parameters"]["n"]) for task in box.tasks]
    assert sent == [("512*512", 2), ("1024*1024", 1), ("512*512", 2)]


@pytest.mark.slow
def test_a_setting_that_changes_makes_no_row_another_one(box: Sandbox, bailian: Run, written: Any) -> None:
    """What is done is not paid again."""
    Path("rows.jsonl").write_text('{"kind": "image", "prompt": "鸟"}\n', encoding="utf-8")
    for size in ("512*512", "1024*1024"):
        written(f'[text2image]\nsize = "{size}"\n')
        bailian("batch", "run", "rows.jsonl")
    assert len(box.tasks) == 1


@pytest.mark.parametrize(
    "text, code, said",
    [
        ('[text2image]\nsize = "512*512"\nmodel = "qwen-image"\n', 2, "(set in settings.toml)"),
        ('[text2image]\nsiez = "512*512"\n', 3, "did you mean size"),
        ("[text2image]\nn = [1]\n", 3, "settings.toml [text2image] n:"),
        ('[text2image]\nprompt = "猫"\n', 3, "belongs to one request"),
        ('[image_edit]\nimage = ["a.png"]\n[text2image]\nchat = "a"\n', 3, "chat"),
        ("[text2imag]\n", 3, "did you mean text2image"),
        ('[output]\nrecipe = "none"\n', 3, "one of on, no-price, off"),
        ('[output]\nname = "{nosuch}"\n', 3, "[output] name: unknown field {nosuch}"),
        ('[output]\nfolder = "~nobody/x"\n', 3, "~/ is your own home"),
        ('[profile.shop.text2image]\nn = "x"\n', 3, "settings.toml [profile.shop.text2image] n:"),
        ('language = "de"\n', 3, "one of en, zh"),
        ('[profile."a b"]\nregion = "beijing"\n', 3, "letters, digits"),
        ("[profile.shop]\nkey = 1\n", 3, "there is budget"),
        ('model = "wan2.6-t2i"\n', 3, "unknown key model; "),
        ('model = "wan2.6-t2i"\n', 3, "a field stands below its script: [text2image]"),
        ('[profile.shop]\nsize = "1K"\n', 3, "[profile.shop.text2image]"),
        ("[speech]\nvolume = 50\n", 3, "did you mean tts?"),
        ("[text2image\n", 3, "is not valid TOML"),
        ('[profile.shop]\nregion = "mars"\n', 3, "settings.toml: [profile.shop] region: 'mars' is not one of beijing"),
        ('[profile.shop]\nworkspace = "a b"\n', 3, "[profile.shop] workspace: 'a b'"),
        ('[profile.shop]\nbase_url = "http://x/api/v1"\n', 3, "[profile.shop] base_url: http://x/api/v1 would send"),
        ('[profile.shop]\nkey_file = "nowhere"\n', 3, "try: `bailian login --profile shop` keeps a key there"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_sent(
    box: Sandbox, text2image: Run, written: Any, text: str, code: int, said: str
) -> None:
    written(text)
    words = ("--profile", "shop") if text.startswith("[profile.shop") else ()
    told = text2image("猫", *words, exits=code).err
    assert said in told
    assert "  try: " in told
    assert box.requests == []


ANY_SCRIPT = {
    "text2image": ('size = "512*512"', ["猫"]),
    "image_edit": ("n = 1", ["改", "--image", "a.png"]),
    "wanx_edit": ("n = 2", ["改", "--function", "description_edit", "--image", "a.png"]),
    "text2video": ('size = "832*480"', ["日出"]),
    "text2text": ("max_tokens = 77", ["你好"]),
    "tts": ("volume = 60", ["你好"]),
    "asr": ('model = "paraformer-v2"', ["a.wav"]),
}


@pytest.mark.few(3)
@pytest.mark.parametrize("script", ANY_SCRIPT)
def test_each_script_has_its_table(request: pytest.FixtureRequest, bailian: Run, written: Any, script: str) -> None:
    """Inputs are the request's own: a table without them is whole."""
    line, words = ANY_SCRIPT[script]
    Path("a.png").write_bytes(bytes_of(drawn()))
    Path("a.wav").write_bytes(wav(bytes(32000)))
    written(f"[{script}]\n{line}\n")
    assert any(origin == "settings.toml" for _, origin in settings(bailian).values())
    command: Run = request.getfixturevalue("audio" if script in ("tts", "asr") else script)
    sent = command(*([script] if script in ("tts", "asr") else []), *words, "--dry-run").json["request"]["body"]
    assert line.partition(" = ")[2].strip('"') in json.dumps(sent, ensure_ascii=False)


@pytest.mark.parametrize(
    "variable, value", [("REGION", "mars"), ("BASE_URL", "http://x/api/v1"), ("BASE_URL", "x"), ("WORKSPACE", "a b")]
)
def test_a_wrong_variable_is_a_setting_and_a_wrong_option_a_request(
    box: Sandbox, text2image: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    name = {"REGION": "API_REGION", "BASE_URL": "HTTP_BASE_URL", "WORKSPACE": "WORKSPACE_ID"}[variable]
    text2image("猫", f"--{variable.lower().replace('_', '-')}", value, exits=2)
    monkeypatch.setenv(f"DASHSCOPE_{name}", value)
    told = text2image("猫", exits=3).err
    assert f"DASHSCOPE_{name}: " in told
    assert f"unset DASHSCOPE_{name}" in told
    assert box.requests == []


@pytest.mark.parametrize(
    "words, told",
    [
        (["--thinking"], "(the model is set in settings.toml)"),
        (["--max-tokens", "9000"], "max_tokens: 9000 is not in 1 to 8192"),
        (["--thinking", "-m", "qwen-long"], "qwen-long does not think"),
    ],
)
def test_a_refusal_that_names_the_model_of_the_settings_says_so(
    box: Sandbox, text2text: Run, written: Any, words: list[str], told: str
) -> None:
    written('[text2text]\nmodel = "qwen-max"\n')
    ran = text2text("猫", *words, exits=2)
    assert told in ran.err
    assert ("settings.toml" in ran.err) == ("settings.toml" in told)
    assert box.requests == []


def test_a_profile_is_an_account_with_defaults_of_its_own(
    box: Sandbox, text2image: Run, bailian: Run, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key wins over the environment's, its tables over the general ones; what continues it names it."""
    (home_folder() / "keys").mkdir(parents=True)
    (home_folder() / "keys/shop").write_text(KEYS["shop"], encoding="utf-8")
    written(
        '[text2image]\nn = 2\nsize = "512*512"\n[profile.shop]\nworkspace = "ws-1"\n[profile.shop.text2image]\nn = 1\n'
    )
    text2image("猫", "--profile", "shop")
    assert box.tasks[0].body["parameters"]["n"] == 1
    assert box.tasks[0].body["parameters"]["size"] == "512*512"
    assert box.requests[0].headers["authorization"] == f"Bearer {KEYS['shop']}"
    monkeypatch.setenv("BAILIAN_PROFILE", "shop")
    found = settings(bailian)
    assert found["profile"] == ("shop", "BAILIAN_PROFILE")
    assert found["workspace"] == ("ws-1", "settings.toml [profile.shop]")
    assert found["text2image.n"] == (1, "settings.toml [profile.shop]")
    assert found["text2image.size"] == ("512*512", "settings.toml")
    assert found["key"] == ("sk-…1234", str(home_folder() / "keys/shop"))
    assert KEYS["shop"] not in str(found)


def test_an_unknown_profile_is_refused_with_those_there_are(box: Sandbox, text2image: Run, written: Any) -> None:
    written("[profile.shop]\n")
    told = text2image("猫", "--profile", "shopp", exits=3).err
    assert "there is: shop" in told
    assert "login --profile shopp" in told
    assert box.requests == []


def test_login_keeps_a_key_that_the_service_takes(box: Sandbox, bailian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked for nothing, kept for the owner alone, never shown; a profile has a file of its own."""
    monkeypatch.setenv("HOME", str(Path.cwd()))
    monkeypatch.setenv("USERPROFILE", str(Path.cwd()))
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    for words, place in (((), Path.cwd() / ".dashscope/api_key"), (("--profile", "shop"), home_folder() / "keys/shop")):
        ran = bailian("login", *words, stdin=KEYS["plain"] + "\n")
        assert ran.paths == [place]
        assert KEYS["plain"] not in ran.out + ran.err
        assert place.read_text(encoding="utf-8").strip() == KEYS["plain"]
        assert os.name == "nt" or place.stat().st_mode & 0o077 == 0
        assert settings(bailian, *words)["key"] == ("sk-…0123", str(place))
    assert box.tasks == []


@pytest.mark.parametrize(
    "given, said", [("", "no key was given"), ("sk a", "spaces or characters"), ("sk-ü", "spaces")]
)
def test_login_refuses_what_is_no_key(box: Sandbox, bailian: Run, given: str, said: str) -> None:
    told = bailian("login", "--profile", "shop", stdin=given, exits=3)
    assert said in told.err
    assert not (home_folder() / "keys").exists()


def test_login_does_not_keep_a_key_that_is_refused(box: Sandbox, bailian: Run) -> None:
    """`--no-check` does."""
    refused = "sk-bad-0123456789abcdef"
    told = bailian("login", "--profile", "shop", stdin=refused, exits=3)
    assert "--no-check" in told.err
    assert not (home_folder() / "keys/shop").exists()
    bailian("login", "--profile", "shop", "--no-check", stdin=refused)
    assert (home_folder() / "keys/shop").is_file()


def test_the_systems_keyring(box: Sandbox, bailian: Run, text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file says where the key is; without the library the command that installs it is named."""

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(keyring_store, "import_module", absent)
    told = bailian("login", "--profile", "shop", "--keyring", "--no-check", stdin=KEYS["shop"], exits=3)
    assert "keyring]" in told.err
    kept: dict[str, str] = {}

    class Failure(Exception):
        pass

    class Keyring:
        KeyringError = NoKeyringError = Failure

        @staticmethod
        def set_password(service: str, name: str, value: str) -> None:
            kept[f"{service}/{name}"] = value

        @staticmethod
        def get_password(service: str, name: str) -> str | None:
            return kept.get(f"{service}/{name}")

    monkeypatch.setattr(keyring_store, "import_module", lambda _name: Keyring)
    bailian("login", "--profile", "shop", "--keyring", "--no-check", stdin=KEYS["shop"])
    assert (home_folder() / "keys/shop").read_text(encoding="utf-8").strip() == "keyring:shop"
    assert kept == {"bailian/shop": KEYS["shop"]}
    text2image("猫", "--profile", "shop")
    assert box.requests[0].headers["authorization"] == f"Bearer {KEYS['shop']}"
    kept.clear()
    assert "no key named 'shop'" in text2image("猫", "--profile", "shop", exits=3).err


@pytest.mark.few(1)
@pytest.mark.parametrize("word, has", [("on", (True, True)), ("no-price", (True, False)), ("off", (False, False))])
def test_what_is_written_into_a_picture(
    box: Sandbox, text2image: Run, written: Any, word: str, has: tuple[bool, bool]
) -> None:
    written(f'[output]\nrecipe = "{word}"\n')
    (path,) = text2image("猫").paths
    made = recipe.read(path)
    assert (made is not None, made is not None and "cost_cny" in made) == has


@pytest.mark.slow
def test_no_folder_of_this_machine_is_written_into_a_picture(box: Sandbox, image_edit: Run) -> None:
    Path("私人").mkdir()
    Path("私人/狗 1.png").write_bytes(bytes_of(drawn()))
    (path,) = image_edit("改", "--image", "私人/狗 1.png", "--sidecar").paths
    texts = path.read_bytes() + path.with_suffix(".png.json").read_bytes()
    assert "狗 1.png" in path.with_suffix(".png.json").read_text(encoding="utf-8")
    assert (b"file://" in texts, str(Path.cwd()).encode() in texts) == (False, False)


@pytest.mark.process
def test_the_language_of_the_settings(box: Sandbox, written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`BAILIAN_LANG` wins over it, it wins over the locale; help is in it, too."""
    written('language = "zh"\n')
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("BAILIAN_LANG", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-u", "-m", "bailian", "--help"]
    assert "根据" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("BAILIAN_LANG", "en")
    assert "根据" not in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_config_show_names_each_setting_as_the_file_does(box: Sandbox, bailian: Run, written: Any) -> None:
    """The model of each script, too, where nothing is set."""
    written('[tts]\nvolume = 60\n[asr]\nmodel = "paraformer-8k-v2"\n')
    found = settings(bailian)
    assert found["tts.model"] == ("sambert-zhichu-v1", "default")
    assert found["tts.volume"] == (60, "settings.toml")
    assert found["asr.model"] == ("paraformer-8k-v2", "settings.toml")
    assert {name.partition(".")[0] for name in found if name.endswith(".model")} == set(SCRIPT_KINDS)


def test_config_show_for_people(box: Sandbox, bailian: Run, written: Any) -> None:
    path = written("[budget]\nday_cny = 20\n")
    lines = [line.split("\t") for line in bailian("config", "show").out.splitlines()]
    assert ["day_budget_cny", "20.0", "settings.toml"] in lines
    assert ["settings_file", str(path), "read"] in lines
    assert KEY not in json.dumps(lines)


def test_a_refusal_about_the_model_of_the_settings_says_where_it_stands(
    box: Sandbox, text2text: Run, written: Any
) -> None:
    """The picture is the field that is refused; the model is why."""
    written('[text2text]\nmodel = "qwen-max"\n')
    assert "model is set in settings.toml" in text2text("猫", "--json-schema", '{"type": "object"}', exits=2).err
    assert box.requests == []


SETTINGS_PAGES = [f"docs/{page}{tail}" for page in ("settings", "agents") for tail in (".md", ".zh-CN.md")]


@pytest.mark.few(1)
@pytest.mark.parametrize("page", SETTINGS_PAGES)
def test_the_settings_that_a_page_shows_are_taken(box: Sandbox, bailian: Run, written: Any, page: str) -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    name = re.findall(r"^\[profile\.(\w+)\]", shown, re.MULTILINE)[0]
    written(re.sub(r"^key_file.*\n", "", shown, flags=re.MULTILINE))
    told = settings(bailian, "--profile", name)
    assert told["profile"] == (name, "--profile")
    assert any(origin == f"settings.toml [profile.{name}]" for _, origin in told.values())
