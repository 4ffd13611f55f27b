"""Pages as files: what writes them may not be installed, and where they go may not be writable."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from stream.errors import SettingsError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["page_writer", "write_page"]


def page_writer() -> ModuleType:
    """`stream.reporting.page`. Raises `SettingsError` where the extra ``report`` is not installed."""
    try:
        return importlib.import_module("stream.reporting.page")
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"a page needs {error.name}, which is not installed: pip install 'customer-stream[report]'"
        ) from error


def write_page(path: Path, text: str, *, is_private: bool = False) -> None:
    """Write ``text``; a reader never sees half of it. ``is_private``: nobody else on this machine may read it.

    Raises `SettingsError` when the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if is_private else 0o777)
        # what is left of an earlier attempt may have other rights
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600 if is_private else 0o666)
        unfinished.write_text(text, "utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}") from error
