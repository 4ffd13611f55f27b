"""What runs beside the workers of a shop on this machine."""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final

from stream.local.server_process import HOST
from stream.settings import Settings

__all__ = ["Service", "can_run_console", "console_services", "with_needed"]

#: Without it nothing that customers agree to or take back holds.
_ALWAYS: Final = ("consents",)
#: Without these no event reaches the core where identities are joined.
_JOINING: Final = ("identity", "arrivals")

#: Packages of the extra ``console``.
_PACKAGES: Final = ("aiohttp", "alembic", "jinja2", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Service:
    """A ``stream`` command that runs beside the workers. ``address``: where it is to be reached, "" for nowhere.

    Without one that ``only_shows`` everything is counted and stored all the same.
    """

    name: str
    command: tuple[str, ...]
    address: str = ""
    only_shows: bool = False


def can_run_console() -> bool:
    """Whether the extra ``console`` is installed."""
    return all(find_spec(name) is not None for name in _PACKAGES)


def console_services(port: int) -> tuple[Service, Service]:
    """The directory, and the pages of it on ``port``."""
    return (
        Service("directory", ("directory", "run"), only_shows=True),
        Service("console", ("console", "--port", str(port)), f"http://{HOST}:{port}/", only_shows=True),
    )


def with_needed(settings: Settings) -> Settings:
    """Settings of workers that also run the projections without which a shop would not do what people expect: what
    customers agreed to holds, and identities are joined if they are to be.

    >>> [with_needed(Settings(join_identities=joins, projections="leads")).projections for joins in (False, True)]
    ['leads,consents', 'leads,consents,identity,arrivals']
    """
    named = (name.strip() for name in settings.projections.split(","))
    needed = (*_ALWAYS, *(_JOINING if settings.join_identities else ()))
    return replace(settings, projections=",".join(dict.fromkeys([*filter(None, named), *needed])))
