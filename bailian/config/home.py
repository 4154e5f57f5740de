"""Where the toolkit keeps its own files, and the language that the user's settings name."""

from __future__ import annotations

import os
from pathlib import Path

from bailian import i18n
from bailian.store.private import NO_HOME


def home_folder() -> Path:
    """Return where journal, limits and the user's models live: `BAILIAN_HOME`, else the platform's data folder.

    A user without a home (a container's random user id) has `NO_HOME`.
    """
    named = os.environ.get("BAILIAN_HOME")
    if named:
        from bailian.config.secret import user_path

        return user_path("BAILIAN_HOME", named).absolute()
    from platformdirs import user_data_path

    try:
        folder = user_data_path("bailian", appauthor=False)
    except RuntimeError:  # nobody knows where this user is at home
        return NO_HOME
    return folder if folder.is_absolute() else NO_HOME  # older versions leave the "~"


def prefer_own_language() -> None:
    """Let `language` of `settings.toml` choose, before the first sentence is read. What is wrong in the file is said by
    the command that reads it."""
    if os.environ.get(i18n.OWN_VARIABLE):
        return
    from bailian.errors import BailianError

    try:
        path = home_folder() / "settings.toml"
        if not path.is_file():
            return
        from bailian.config.settings_file import read_settings_file

        language = read_settings_file(path.parent).language
    except (BailianError, OSError):
        return
    if language:
        i18n.prefer(language)
