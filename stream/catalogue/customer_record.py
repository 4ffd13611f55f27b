"""A record of the topic ``customers``: the document of a customer, or where they went."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from stream.catalogue.outputs import Customer

__all__ = ["CustomerRecord"]


class CustomerRecord(Customer, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a customer as of a moment of stream time.

    Unknown values are left out, and so are features still at their default (docs/features.md says which that is).
    Money is of the base currency. The order of the fields is free: a document is written by name. With ``merged_into``
    the customer is another one from now on: all counts are 0 here, and what was counted counts there.
    """

    merged_into: (
        Annotated[str, Meta(min_length=1, description="the customer who this one is now, and for whom all counts")]
        | UnsetType
    ) = UNSET
