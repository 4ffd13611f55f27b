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


def write_page(path: Path, text: str) -> None:
    """Write ``text``; a reader never sees half of it. Raises `SettingsError` when the file cannot be written."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, "utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise SettingsError(f"--html {path}: the page cannot be written: {error}") from error
