"""What workers have stored of a customer whom somebody names."""

from typing import NamedTuple

from stream.cli.identity_lookup import customer_of, names_like
from stream.cli.saying import say
from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.overview import Overview
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["FoundCustomer", "customer_named"]


class FoundCustomer(NamedTuple):
    """Who the named one is now, in which partition, and the stored document."""

    customer_id: str
    partition: int
    document: bytes


def customer_named(
    settings: Settings, overview: Overview, desk: ProjectionDesk, text: str, asked: str
) -> FoundCustomer:
    """The customer of the id ``asked``, which `id_of` has read in ``text``; says so when it is that of another one now.

    Raises `StorageError` for one of whom nothing is stored.
    """
    # what came under an id before it was linked is there still
    customer_id, found = overview.found_as(asked)
    owner = customer_of(desk, asked)
    if found is None and owner != asked:
        customer_id, found = overview.found_as(owner)
    if customer_id != asked or owner != asked:
        say(f"{asked} belongs to {owner if owner != asked else customer_id}")
    if found is None:
        raise StorageError(
            f"there is no customer {text!r} under {settings.namespace!r}: no event of theirs was ever taken in, or the"
            f" last one is so long ago that the document has expired{names_like(settings, text)}"
        )
    return FoundCustomer(customer_id, *found)
