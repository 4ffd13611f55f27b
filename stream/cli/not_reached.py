"""Places that an erasure by this process does not reach, so that its receipt says no more than is true."""

from stream.cli.directory_at import directory_is_there
from stream.settings import Settings

__all__ = ["not_reached"]


def not_reached(settings: Settings) -> dict[str, str]:
    """By what it is; empty where everything is in reach."""
    found: dict[str, str] = {}
    if not directory_is_there(settings):
        found["directory and console"] = (
            "none is in the data directory of this process, and directory_url is not set: if they are elsewhere, they"
            " were not looked at; erase again there"
        )
    elif settings.directory_url.startswith("postgresql"):
        found["files of PostgreSQL"] = "rows that were deleted, until PostgreSQL uses their room again"
    return found
