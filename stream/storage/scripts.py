"""The Lua scripts of this package."""

from importlib import resources

__all__ = ["script"]


def script(name: str) -> str:
    """Return the source of a Lua script of this package."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")
