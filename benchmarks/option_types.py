"""Types of options that several benchmarks take: a mistake ends the program at once, not after the first round."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable

from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["changed_setting", "names_among", "number_list", "variable"]


def names_among(known: Iterable[str]) -> Callable[[str], list[str]]:
    """
    >>> names_among(["uniform", "zipf"])("zipf,uniform")
    ['zipf', 'uniform']
    """
    names = [*known]

    def read(text: str) -> list[str]:
        found = text.split(",")
        if unknown := [name for name in found if name not in names]:
            raise ArgumentTypeError(f"{', '.join(map(repr, unknown))}: expected names among {', '.join(names)}")
        return found

    return read


def number_list(text: str) -> list[int]:
    """
    >>> number_list("10000,100000")
    [10000, 100000]
    """
    if not all(number.isdecimal() for number in text.split(",")):
        raise ArgumentTypeError(f"{text!r}: expected whole numbers, separated by commas")
    return [int(number) for number in text.split(",")]


def variable(text: str) -> tuple[str, str]:
    """
    >>> variable("MALLOC_ARENA_MAX=2")
    ('MALLOC_ARENA_MAX', '2')
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{text!r}: expected NAME=TEXT")
    return name, value


def changed_setting(text: str) -> tuple[str, object]:
    """
    >>> changed_setting("cache_mb=100")
    ('cache_mb', 100)
    """
    name, value = variable(text)
    try:
        return name, getattr(Settings.from_env({}, {name: value}), name)
    except SettingsError as error:
        raise ArgumentTypeError(str(error)) from error
