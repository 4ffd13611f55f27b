"""Names of people and programs that use the console."""

from typing import Final

from stream.errors import SettingsError

__all__ = ["MAX_NAME_CHARS", "require_name"]

MAX_NAME_CHARS: Final = 60


def require_name(name: str) -> None:
    """Raises `SettingsError` for what cannot be read back as it was typed."""
    if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable() or name != name.strip():
        raise SettingsError(f"expected a name of 1 to {MAX_NAME_CHARS} printable characters")
