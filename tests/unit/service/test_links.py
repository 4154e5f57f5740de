"""Where a link may lead: out into the world; an address of this network in any spelling is refused."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.service.transport.links import is_local, is_public, why_not
from tests.support.rules import for_every

OUTSIDE = [
    "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/a.png?Expires=1",
    "http://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/a.wav",
    "http://8.8.8.8/a.png",
    "http://[2001:4860:4860::8888]/a.png",
    "https://127.example.com/a",
    "https://localhost.example.com/",
    "https://10.0.0.1.example.com/",
]
INSIDE = [
    *("http://127.0.0.1/", "https://127.0.0.1:8443/a", "http://127.1/", "http://2130706433/", "http://0x7f000001/"),
    *("http://0177.0.0.1/", "http://0x7f.1/", "http://127.0.0.1./", "http://0/", "http://0.0.0.0/", "http://[::]/"),
    *("http://localhost/", "http://LOCALHOST:80/", "http://localhost./", "http://a.localhost/", "http://nas.local/"),
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data"),
    *("http://100.100.100.200/latest/meta-data", "http://224.0.0.1/", "http://255.255.255.255/", "http://2852039166/"),
    *("http://[::1]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[ff02::1]/"),
    *("http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"),
    *("http://１２７.0.0.1/", "http://127。0。0。1/", "http://127%2e0.0.1/", "http://ⓛocalhost/", "http://①②⑦.1/"),
    *("http://user:x@127.0.0.1/", "http://8.8.8.8@127.0.0.1/", "http://metadata.google.internal/"),
]  # fmt: skip
NO_LINKS = [
    "",
    "nonsense",
    "ftp://h/a",
    "file:///etc/passwd",
    "http://",
    "http://[",
    "//h/a",
    "gopher://h",
    "javascript:1",
]


@for_every(OUTSIDE)
def test_the_world_is_open(link: str) -> None:
    """A plain http link is normal for speech; so is one that redirects to https."""
    assert why_not(link) == ""
    assert why_not(link.replace("http://", "https://"), came_from="http://a.example/") == ""


@for_every(INSIDE)
def test_the_inside_is_not_asked(link: str) -> None:
    assert "private network" in why_not(link)


@for_every(NO_LINKS)
def test_what_is_no_link_is_none(link: str) -> None:
    assert "no link" in why_not(link)


def test_what_was_encrypted_stays_so() -> None:
    assert "https to http" in why_not("http://a.example/", came_from="https://a.example/")
    assert why_not("http://a.example/", came_from="http://b.example/") == ""


@pytest.mark.parametrize(
    ("base_url", "public"),
    [
        ("https://dashscope.aliyuncs.com/api/v1", True),
        ("https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1", True),
        ("https://8.8.8.8/api/v1", True),
        ("http://127.0.0.1:8765/api/v1", False),
        ("http://sandbox:8765/api/v1", False),
        ("https://10.1.2.3/api/v1", False),
        ("https://gateway/api/v1", False),
        ("https://gateway.internal/api/v1", False),
        ("https://localhost:1/api/v1", False),
        ("https://[::1]:1/api/v1", False),
    ],
)
def test_a_public_host_is_told_from_one_that_is_here(base_url: str, public: bool) -> None:
    """Who asks a sandbox or a gateway of the own network gets links to there."""
    assert is_public(base_url) is public


def spellings(address: int) -> st.SearchStrategy[str]:
    parts = address.to_bytes(4, "big")
    written = [st.sampled_from([str(part), hex(part), f"0{part:o}"]) for part in parts]
    last_three, last_two = int.from_bytes(parts[1:], "big"), int.from_bytes(parts[2:], "big")
    return st.one_of(
        st.tuples(*written).map(".".join),
        st.sampled_from([str(address), hex(address), f"0{address:o}", hex(address).upper().replace("X", "x")]),
        st.just(f"{parts[0]}.{last_three}"),
        st.just(f"{parts[0]}.{parts[1]}.{last_two}"),
        st.just(f"[::ffff:{ipaddress.IPv4Address(address)}]"),
        st.just(f"[64:ff9b::{ipaddress.IPv4Address(address)}]"),
    )


@given(st.integers(0, 2**32 - 1).flatmap(lambda number: st.tuples(st.just(number), spellings(number))))
def test_an_address_is_judged_alike_in_every_spelling(case: tuple[int, str]) -> None:
    number, host = case
    address = ipaddress.IPv4Address(number)
    assert is_local(host) is (not address.is_global or address.is_multicast)


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(why_not(text), str)
    assert isinstance(why_not(f"http://{text}/"), str)
