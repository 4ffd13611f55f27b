"""Declarations of installed packages: entry points of the group ``customer_stream.catalogue``.

An entry point names an `Extension`. It is loaded before anything is compiled, so every program of the installation
knows it: workers, the trainer, the ingest endpoint, the command line.
"""

import sys
from functools import cache
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path

from stream.catalogue.declaring import FIRST_NUMBER_OF_PACKAGES, MAX_NUMBERS, Extension

__all__ = ["GROUP", "extended", "sources"]

GROUP = "customer_stream.catalogue"


@cache
def _installed() -> tuple[tuple[Extension, Path | None], ...]:
    """Each extension and the file that declares it, by the name of the entry point."""
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        extension = point.load()
        if not isinstance(extension, Extension):
            raise TypeError(
                f"entry point {point.name} of {GROUP}: expected an Extension, got {type(extension).__name__}"
            )
        file = sys.modules[point.module].__file__
        found.append((extension, Path(file) if file else None))
    return tuple(found)


@cache
def extended() -> Extension:
    """All installed extensions as one. Raises what an import raises, TypeError for what is no extension.

    ValueError: a number of a feature or channel is one of the program's own.
    """
    parts = [extension for extension, _ in _installed()]
    numbered = [(one.number, one.name) for part in parts for one in part.channels]
    numbered += [(one.number, one.name) for part in parts for one in part.features]
    for number, name in numbered:
        if number < FIRST_NUMBER_OF_PACKAGES:
            raise ValueError(
                f"{name} has the number {number}: channels and features of packages have numbers from "
                f"{FIRST_NUMBER_OF_PACKAGES} to {MAX_NUMBERS - 1}"
            )
    counts: dict[str, tuple[str, ...]] = {}
    for kind, channels in chain.from_iterable(part.counts.items() for part in parts):
        counts[kind] = (*counts.get(kind, ()), *channels)
    return Extension(
        types=tuple(chain.from_iterable(part.types for part in parts)),
        names=tuple(chain.from_iterable(part.names for part in parts)),
        channels=tuple(chain.from_iterable(part.channels for part in parts)),
        counts=counts,
        features=tuple(chain.from_iterable(part.features for part in parts)),
    )


def sources() -> tuple[Path, ...]:
    """The files that declare extensions: compiled kernels depend on what is in them."""
    return tuple(file for _, file in _installed() if file is not None)
