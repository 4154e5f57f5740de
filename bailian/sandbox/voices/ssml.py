"""SSML as far as the words go (SSML page 2026-10): what is said, not how."""

from __future__ import annotations

import re
from xml.etree import ElementTree

TAGS = frozenset({"speak", "break", "sub", "phoneme", "soundEvent", "say-as", "p", "s", "w"})


class NoSsml(Exception):
    """The text is no SSML that the service takes."""


def spoken_text(text: str) -> str:
    """Return the words: of `sub` its alias, of everything else what stands in it.

    Raises:
        NoSsml: not well-formed, another tag, text outside `speak`, or one `speak` inside another.
    """
    if "<!" in text or "<?" in text:
        raise NoSsml
    try:
        root = ElementTree.fromstring(f"<all>{text}</all>")  # noqa: S314  # no declarations get here
    except ElementTree.ParseError:
        raise NoSsml from None
    outside = [root.text, *(speak.tail for speak in root)]
    if any(speak.tag != "speak" for speak in root) or any(part and part.strip() for part in outside):
        raise NoSsml
    inner = [element for speak in root for element in speak.iter() if element is not speak]
    if any(element.tag not in TAGS or element.tag == "speak" for element in inner):
        raise NoSsml
    return "".join(map(_words, root))


def is_ssml(text: str) -> bool:
    return re.match(r"\s*<speak[\s>]", text) is not None


def _words(element: ElementTree.Element) -> str:
    alias = element.get("alias", "") if element.tag == "sub" else element.text or ""
    return alias + "".join(_words(child) + (child.tail or "") for child in element)
