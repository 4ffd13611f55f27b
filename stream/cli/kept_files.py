"""Files that ``stream whatif`` keeps in the user's cache for the next comparison."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

__all__ = ["forget_kept", "keep", "place_of_kept"]

#: What is kept, the newest: recordings of logs, and alerts of policies.
_KEPT: Final = {".models": 8, ".alerts": 32}


def place_of_kept(name: str) -> Path:
    """Where a thing is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "customer-stream" / "whatif" / name


def keep(path: Path, content: bytes) -> None:
    """Write a file, and remove the oldest of its kind; nothing is kept where nothing can be written."""
    with contextlib.suppress(OSError):  # it is found out again then
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(content)
        partial.rename(path)
        kept = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda one: one.stat().st_mtime)
        for old in kept[: -_KEPT[path.suffix]]:
            old.unlink(missing_ok=True)


def forget_kept() -> None:
    """Throw away all that is kept: a person is erased, who may be in it."""
    for file in place_of_kept("x").parent.glob("*"):
        file.unlink(missing_ok=True)
