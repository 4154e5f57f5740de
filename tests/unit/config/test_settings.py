"""Key, host and home folder: one order of precedence, and a key that never shows itself."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from bailian.config.settings import Secret, Settings, at, home_folder, read_settings
from bailian.errors import BailianError, InvalidRequest, SetupError

KEY = "sk-0123456789abcdef0123456789abcdef"
BEIJING = "https://dashscope.aliyuncs.com/api/v1"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No variable of the vendor, and a user's home without any file."""
    for name in (
        *("DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_FILE_PATH", "DASHSCOPE_HTTP_BASE_URL", "DASHSCOPE_WORKSPACE_ID"),
        *("DASHSCOPE_WEBSOCKET_BASE_URL", "DASHSCOPE_API_REGION", "BAILIAN_SANDBOX"),
    ):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path / "bailian"))
    return home


def key_of(settings: Settings) -> str | None:
    return settings.api_key.reveal() if settings.api_key else None


def default_key_file(home: Path, text: str) -> Path:
    (home / ".dashscope").mkdir()
    path = home / ".dashscope" / "api_key"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_beijing_without_a_key(tmp_path: Path) -> None:
    """Nothing set: Beijing's host, no key, no workspace, no sandbox."""
    settings = read_settings()
    assert (settings.base_url, settings.region, key_of(settings)) == (BEIJING, "beijing", None)
    assert (settings.workspace, settings.sandbox, settings.home) == (None, False, tmp_path / "bailian")


def test_the_environments_key_wins_over_the_files(
    monkeypatch: pytest.MonkeyPatch, empty_environment: Path, tmp_path: Path
) -> None:
    """DASHSCOPE_API_KEY, else the named file, else ~/.dashscope/api_key."""
    default_key_file(empty_environment, "sk-default\n")
    assert key_of(read_settings()) == "sk-default"
    named = tmp_path / "named"
    named.write_text("  sk-named \r\n", encoding="utf-8")
    monkeypatch.setenv("DASHSCOPE_API_KEY_FILE_PATH", str(named))
    assert key_of(read_settings()) == "sk-named"
    monkeypatch.setenv("DASHSCOPE_API_KEY", " sk-environment ")
    assert key_of(read_settings()) == "sk-environment"


def test_a_key_file_may_start_with_a_byte_order_mark(empty_environment: Path) -> None:
    """Editors on Windows write one."""
    default_key_file(empty_environment, f"\ufeff{KEY}")
    assert key_of(read_settings()) == KEY


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_key_file_of_powershell_is_read(empty_environment: Path, encoding: str) -> None:
    """`echo sk-… > key` writes UTF-16 there."""
    path = default_key_file(empty_environment, "")
    path.write_bytes(f"{KEY}\r\n".encode(encoding))
    assert key_of(read_settings()) == KEY


@pytest.mark.parametrize(
    "content", [f"密钥{KEY}".encode("gbk"), f"密鑰是 {KEY}".encode("big5"), f"{KEY}é".encode("cp1252")]
)
def test_a_key_file_that_holds_more_never_shows_the_key(empty_environment: Path, content: bytes) -> None:
    """Elsewhere a refusal shows the first words of a text."""
    path = default_key_file(empty_environment, "")
    path.write_bytes(content)
    with pytest.raises(SetupError) as refused:
        read_settings()
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "data", ["[budget]\nday_cny = 1 # 每天的预算\n".encode("gbk"), b"a" + b"[" * 20_000, b"a = " + b"[" * 20_000]
)
def test_settings_that_cannot_be_read_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes) -> None:
    """In another encoding, or nested without end: exit 3, naming the file."""
    monkeypatch.setenv("BAILIAN_HOME", str(tmp_path))
    (tmp_path / "settings.toml").write_bytes(data)
    with pytest.raises(SetupError, match=r"settings\.toml is not (valid TOML|UTF-8)"):
        read_settings(sandbox=True)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", "folder"])
def test_a_named_key_file_that_cannot_be_read_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | str | None
) -> None:
    """A wrong DASHSCOPE_API_KEY_FILE_PATH is no reason to look elsewhere silently."""
    path = tmp_path / "key"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    monkeypatch.setenv("DASHSCOPE_API_KEY_FILE_PATH", str(path))
    with pytest.raises(SetupError, match="key"):
        read_settings()


def test_a_key_file_below_an_unknown_users_home_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~nobody-of-this-name/key` is a file that cannot be read, not a bug."""
    monkeypatch.setenv("DASHSCOPE_API_KEY_FILE_PATH", "~nobody-of-this-name/key")
    with pytest.raises(SetupError):
        read_settings()


@pytest.mark.parametrize("key", ["sk-one two", "sk-密钥", "sk-\x07", "“sk-quoted”", "sk-1\nsk-2"])
def test_a_key_that_cannot_be_a_header_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A quote mark or a second line is found before sending, and the text does not repeat the key."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)
    with pytest.raises(SetupError) as raised:
        read_settings()
    assert raised.value.code == "Unauthorized"
    assert key not in str(raised.value.to_json())


@pytest.mark.parametrize("key", [KEY, "sk-short"])
def test_a_key_never_shows_itself(key: str) -> None:
    """repr, str, formatting and pickling do not give it away; only `reveal` does."""
    secret = Secret(key)
    settings = Settings(BEIJING, api_key=secret)
    shown = f"{secret} {secret!r} {settings!r} {[secret]} {secret:}"
    assert not key or key not in shown
    assert secret.reveal() == key
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def test_the_mask_tells_two_keys_apart() -> None:
    """The first three and the last four characters of a long key are shown, of a short one none."""
    assert (Secret(KEY).masked, Secret("sk-123").masked) == ("sk-…cdef", "…")


def test_without_a_key_the_way_to_one_is_told() -> None:
    """No key: exit 3, saying how to get one and how to try without."""
    with pytest.raises(SetupError) as raised:
        read_settings().require_key()
    assert (raised.value.exit_code, raised.value.code) == (3, "Unauthorized")
    assert "get-api-key" in raised.value.advice
    assert "with bailian.Sandbox():" in raised.value.advice


@pytest.mark.parametrize(
    "region, host",
    [
        ("beijing", "dashscope.aliyuncs.com"),
        ("cn-beijing", "dashscope.aliyuncs.com"),
        ("singapore", "dashscope-intl.aliyuncs.com"),
        ("ap-southeast-1", "dashscope-intl.aliyuncs.com"),
        ("virginia", "dashscope-us.aliyuncs.com"),
        ("us-east-1", "dashscope-us.aliyuncs.com"),
    ],
)
def test_a_region_by_name_or_id_has_its_host(monkeypatch: pytest.MonkeyPatch, region: str, host: str) -> None:
    """--region and DASHSCOPE_API_REGION take the region's name or the vendor's id."""
    assert read_settings(region=region).base_url == f"https://{host}/api/v1"
    monkeypatch.setenv("DASHSCOPE_API_REGION", region)
    assert read_settings().base_url == f"https://{host}/api/v1"


def test_an_unknown_region_lists_the_known_ones() -> None:
    """A typing error is refused with what is allowed."""
    with pytest.raises(InvalidRequest, match=r"'bejing' is not one of beijing, singapore"):
        read_settings(region="bejing")


def test_a_region_without_a_shared_host_needs_a_workspace() -> None:
    """Frankfurt is reached through the workspace's own host."""
    with pytest.raises(InvalidRequest, match="workspace"):
        read_settings(region="frankfurt")
    settings = read_settings(region="frankfurt", workspace="ws-1")
    assert settings.base_url == "https://ws-1.eu-central-1.maas.aliyuncs.com/api/v1"


@pytest.mark.parametrize("workspace", ["evil.example/", "a@evil.example/", "业务", "a\r\nX-Other: b"])
def test_a_workspace_id_cannot_lead_to_another_host(workspace: str) -> None:
    """The key goes only to the vendor's host of the region, whatever the workspace is called."""
    with pytest.raises(BailianError):
        read_settings(region="frankfurt", workspace=workspace)


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """First the option, then the variable, then the default."""
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "https://environment.example/api/v1/")
    monkeypatch.setenv("DASHSCOPE_WORKSPACE_ID", "ws-environment")
    settings = read_settings()
    assert (settings.base_url, settings.workspace) == ("https://environment.example/api/v1", "ws-environment")
    settings = read_settings(base_url="https://option.example/api/v1", workspace="ws-option")
    assert (settings.base_url, settings.workspace) == ("https://option.example/api/v1", "ws-option")


@pytest.mark.parametrize(
    "base_url",
    [
        *("dashscope.aliyuncs.com", "ftp://host/api/v1", "https://", "https:///api/v1", "file:///etc"),
        *("https://user:password@host/api/v1", "https://:password@host/api/v1", "https://[::1", "http://["),
    ],
)
def test_what_is_no_base_url_is_refused(base_url: str) -> None:
    """Not a URL, another scheme, or one that brings its own credentials (they would replace the key)."""
    with pytest.raises(InvalidRequest, match="base"):
        read_settings(base_url=base_url)


def test_the_key_is_not_sent_unencrypted() -> None:
    """Plain http is for loopback only."""
    with pytest.raises(InvalidRequest, match="unencrypted"):
        read_settings(base_url="http://dashscope.aliyuncs.com/api/v1")
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        assert read_settings(base_url=f"http://{host}/api/v1").base_url == f"http://{host}/api/v1"


@pytest.mark.parametrize("door", ["option", "variable"])
@pytest.mark.parametrize(
    ("named", "is_taken"),
    [
        ("box", True),
        ("BOX", True),
        ("a, box:8765 ,b", True),
        ("box:1", False),
        ("ox", False),
        ("*", False),
        ("", False),
    ],
)
def test_a_named_host_may_get_the_key_without_tls(
    monkeypatch: pytest.MonkeyPatch, door: str, named: str, is_taken: bool
) -> None:
    """For a sandbox in another container; the refusal names the variable that allows it."""
    url = "http://box:8765/api/v1"
    monkeypatch.setenv("BAILIAN_ALLOW_HTTP", named)
    monkeypatch.setenv("DASHSCOPE_WEBSOCKET_BASE_URL", "ws://box:8765/api-ws/v1/inference" if is_taken else "")
    if door == "variable":
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", url)
    if is_taken:
        settings = read_settings(base_url=url if door == "option" else None)
        assert (settings.base_url, settings.socket_url) == (url, "ws://box:8765/api-ws/v1/inference")
    else:
        refused = InvalidRequest if door == "option" else SetupError
        with pytest.raises(refused, match="BAILIAN_ALLOW_HTTP=box"):
            read_settings(base_url=url if door == "option" else None)


@pytest.mark.parametrize("text", ['allow_http = ["Box:8765"]', 'allow_http = ["box"]\n[budget]\nday_cny = 3'])
def test_the_hosts_without_tls_may_stand_in_the_settings_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "bailian").mkdir()
    (tmp_path / "bailian" / "settings.toml").write_text(text, encoding="utf-8")
    assert read_settings(base_url="http://box:8765/api/v1").base_url == "http://box:8765/api/v1"
    with pytest.raises(InvalidRequest, match="unencrypted"):
        read_settings(base_url="http://other:8765/api/v1")


@pytest.mark.parametrize("text", ['allow_http = "box"', "allow_http = [1]", 'allow_https = ["box"]'])
def test_hosts_in_the_settings_file_that_are_no_names_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bailian").mkdir()
    (tmp_path / "bailian" / "settings.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match="allow_http"):
        read_settings()


def test_the_sandbox_never_sees_the_users_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """--sandbox has a key of its own and a home of its own, whatever the environment holds."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    settings = read_settings(sandbox=True)
    assert (key_of(settings), settings.account) == ("sk-sandbox", "sandbox")
    assert settings.home == tmp_path / "bailian" / "sandbox"


def test_at_changes_only_the_base_url() -> None:
    """A sandbox that has just started is reached with the same settings."""
    settings = read_settings(sandbox=True)
    there = at(settings, "http://127.0.0.1:1/api/v1")
    assert (there.base_url, there.host, there.home) == ("http://127.0.0.1:1/api/v1", "127.0.0.1", settings.home)


def test_accounts_are_told_apart_by_key_not_by_the_vendors_host() -> None:
    """Rows of two accounts never mix; one account keeps its rows on all hosts of the vendor."""
    one = Settings(BEIJING, api_key=Secret(KEY))
    assert one.account == at(one, "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1").account
    assert one.account != Settings(BEIJING, api_key=Secret(KEY + "0")).account
    assert one.account != at(one, "https://other.example/api/v1").account
    assert at(one, "http://127.0.0.1:1").account != at(one, "http://127.0.0.1:2").account
    assert KEY not in one.account


def test_the_home_folder_is_absolute(monkeypatch: pytest.MonkeyPatch, empty_environment: Path) -> None:
    """BAILIAN_HOME may be relative to the user's home; a later change of folder does not move it."""
    monkeypatch.setenv("BAILIAN_HOME", "~/data")
    assert home_folder() == empty_environment / "data"
    monkeypatch.setenv("BAILIAN_HOME", "data")
    assert home_folder() == Path.cwd() / "data"
    monkeypatch.delenv("BAILIAN_HOME")
    assert home_folder().name == "bailian"
