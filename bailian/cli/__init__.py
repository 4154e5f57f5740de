"""The shell: options in, data on stdout, talk on stderr, a verdict as exit code."""

from bailian.config.home import prefer_own_language

prefer_own_language()  # the texts of help are read when their module is
