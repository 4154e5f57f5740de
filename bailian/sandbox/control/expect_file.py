"""Where expectations come from: a YAML file, JSON, keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bailian.sandbox.control.expectations import Expectation, read_expected
from bailian.sandbox.scripted import fields
from bailian.sandbox.scripted.fields import WrongEntry, WrongField, read_fields, read_numbered

OPTIONS = ("in_order", "only")


def read_expectation_file(path: Path) -> Expectation:
    """Return what a YAML file expects: a list, or a mapping with `requests`, `in_order` and `only`.

    Raises:
        WrongEntry: with the file's line and the allowed names.
        ModuleNotFoundError: pyyaml, of the extra `[sandbox]`, is not installed.
    """
    from bailian.sandbox.scripted.yaml_file import list_of, read_each, read_yaml

    document = read_yaml(path)
    requests = read_each(path, list_of(path, document, "requests", OPTIONS), read_expected)
    options = {}
    for name in OPTIONS:
        one = document.inner.get(name)
        if one is not None and not isinstance(one.value, bool):
            raise WrongEntry(f"{path}, line {one.line}: {name} is true or false")
        options[name] = bool(one and one.value)
    return Expectation(requests, **options)


def read_expectation(entry: Any) -> Expectation:
    """Return what JSON expects: one request, a list of them, or an object with `requests`.

    Raises:
        WrongEntry: it is none.
    """
    try:
        if isinstance(entry, Mapping) and "requests" in entry:
            readers = {"requests": _list, "in_order": fields.switch, "only": fields.switch}
            read = read_fields(entry, readers, "an expectation")
            given, options = read["requests"], {name: read.get(name, False) for name in OPTIONS}
        else:
            given, options = entry if isinstance(entry, list) else [entry], {}
    except WrongField as error:
        raise WrongEntry(error.problem) from None
    return Expectation(read_numbered(given, read_expected, "request"), **options)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("is a list of objects")
    return value
