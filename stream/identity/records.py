"""Links as records of the topic `identities`."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stream.events.model import CustomerId, Id, Instant, Label
from stream.events.times import epoch_ms
from stream.identity.links import Link, LinkName

__all__ = ["KEY", "IdentityLink", "encode_link"]

#: The key of every link: all links are in one partition, because a link may change groups anywhere.
KEY: Final = "identities"

_ENCODE: Final = msgspec.json.Encoder().encode


class IdentityLink(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two ids are one person, or with `unmerge` two.

    ``identified`` and ``alias`` are evidence, ``merge`` and ``unmerge`` decisions of people. An id is a customer id, or
    a kind of identifier and its token (``email:h1_...``). Of a ``merge``, ``other`` stays as the customer. The record
    key is ``identities``. A link may come again; the order of links does not matter.
    """

    link_id: Id
    name: Literal["identified", "alias", "merge", "unmerge"]
    one: CustomerId
    other: CustomerId
    occurred_at: Instant
    by: Annotated[Label, Meta(description="who decided")] | None = None

    def link(self) -> Link:
        """What the resolver takes."""
        return Link(LinkName(self.name), self.one, self.other, epoch_ms(self.occurred_at), self.link_id)


def encode_link(link: IdentityLink) -> bytes:
    """The value of its record."""
    return _ENCODE(link)
