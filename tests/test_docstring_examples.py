"""Whoever reads an example in a docstring may believe it."""

import doctest
import importlib
from pathlib import Path

import pytest

import stream

_SOURCES = Path(stream.__file__).parent
_MODULES = sorted(
    ".".join(path.relative_to(_SOURCES.parent).with_suffix("").parts)
    for path in _SOURCES.rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("module", _MODULES)
def test_examples_of_docstrings_are_true(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
