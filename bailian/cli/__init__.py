"""The shell: options in, data on stdout, talk on stderr, a verdict as exit code."""

import gettext
import os
from pathlib import Path

from bailian.config.home import prefer_own_language
from bailian.i18n import language

LOCALE = Path(__file__).with_name("locale")


def let_click_speak() -> None:
    """Give click's own words ("Usage:", "Show this message and exit.") the language of ours. It asks `gettext` for them,
    which goes by the environment."""
    if language() == "zh":
        os.environ["LANGUAGE"] = "zh"
        gettext.bindtextdomain("messages", str(LOCALE))


prefer_own_language()  # the texts of help are read when their module is
let_click_speak()
