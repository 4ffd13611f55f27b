"""The example files: in an installed package they are part of it, in a copy of the sources they lie beside it."""

from pathlib import Path
from typing import Final

from stream.errors import EventLogError

__all__ = ["bundled"]

_PACKAGE: Final = Path(__file__).parents[1]


def bundled(name: str) -> Path:
    """Path of the example file ``name``. Raises EventLogError when it is not there."""
    places = [_PACKAGE / "examples" / name, _PACKAGE.parent / "examples" / name]
    for place in places:
        if place.is_file():
            return place
    raise EventLogError(f"{name} is at neither of {', '.join(map(str, places))}: install the package again")
