"""`bailian login --keyring` with the real library, and backends that keep, that drop, that are locked, and none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bailian.config.settings import home_folder
from bailian.sandbox import Sandbox
from tests.support.commands import Run

keyring = pytest.importorskip("keyring")
backend = pytest.importorskip("keyring.backend")
errors = pytest.importorskip("keyring.errors")
null = pytest.importorskip("keyring.backends.null")
fail = pytest.importorskip("keyring.backends.fail")

KEY = "sk-fedcba98765432101234"


class Kept(backend.KeyringBackend):  # type: ignore[name-defined, misc]
    """Keeps what it is given."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))


class Locked(Kept):
    def get_password(self, service: str, username: str) -> str | None:
        raise errors.KeyringLocked("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise errors.KeyringLocked("locked")


@pytest.fixture
def chosen() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.mark.slow
@pytest.mark.usefixtures("chosen")
def test_a_key_is_kept_in_the_keyring_and_found_there(
    box: Sandbox, bailian: Run, text2image: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a profile and of none; the file says only where it is, and is nobody else's either."""
    store = Kept()
    keyring.set_keyring(store)
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    monkeypatch.setenv("DASHSCOPE_API_KEY_FILE_PATH", str(tmp_path / "api_key"))
    for words, file, name in (
        ((), tmp_path / "api_key", "default"),
        (("--profile", "shop"), home_folder() / "keys/shop", "shop"),
    ):
        ran = bailian("login", "--keyring", "--no-check", *words, stdin=KEY)
        assert KEY not in ran.out + ran.err + file.read_text(encoding="utf-8")
        assert os.name == "nt" or file.stat().st_mode & 0o777 == 0o600
        assert store.kept.pop(("bailian", name)) == KEY
        assert f"login{' --profile shop' if words else ''} --keyring" in text2image("猫", *words, exits=3).err
        store.kept["bailian", name] = KEY
        text2image("猫", *words)
        assert {one.headers.get("authorization", f"Bearer {KEY}") for one in box.requests} == {f"Bearer {KEY}"}


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize(
    "ring, said",
    [(null.Keyring, "has not kept"), (fail.Keyring, "no keyring that can be used"), (Locked, "unlock it, or keep")],
)
def test_a_keyring_that_keeps_nothing_is_told_before_the_file_says_it_does(
    box: Sandbox, bailian: Run, ring: type, said: str
) -> None:
    """With the line that keeps the key all the same; no package of a registry is named."""
    keyring.set_keyring(ring())
    told = bailian("login", "--profile", "shop", "--keyring", "--no-check", stdin=KEY, exits=3).err
    assert said in told
    assert "keep the key in a file: bailian login --profile shop" in told
    assert "pypi" not in told
    assert not (home_folder() / "keys/shop").exists()
