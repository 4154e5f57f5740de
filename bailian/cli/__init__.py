"""The shell: options in, data on stdout, talk on stderr, a verdict as exit code."""
