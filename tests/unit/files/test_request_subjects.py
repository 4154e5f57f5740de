"""What a request is about, where names and lists show it."""

from __future__ import annotations

from typing import Any

import pytest

from bailian.files.naming import about

REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "a prompt": ({"prompt": "猫", "image": ["file:///a/b.png"]}, "猫"),
    "a first frame": ({"prompt": "", "image": ["file:///%E5%95%86%E5%93%81/red%20shoe.jpg"]}, "red shoe"),
    "references": ({"references": ["file:///a/cat.jpg", "https://h/street.mp4?x=1"]}, "cat, street"),
    "a recording": ({"file": ["file:///a/会议.mp3"]}, "会议"),
    "a page": ({"link": "https://h/news.html"}, "news"),
    "nothing": ({}, ""),
    "what an older version kept": ({"image": 7, "file": [None]}, ""),
}


@pytest.mark.parametrize(("request_", "subject"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_about_its_prompt_or_what_goes_in(request_: dict[str, Any], subject: str) -> None:
    assert about(request_) == subject
