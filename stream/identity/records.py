"""Links as records of the topic `identities`."""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from stream.events.diagnosis import diagnose
from stream.events.model import CustomerId, Id, Instant, Label
from stream.events.rejections import Defect, Rejection
from stream.events.times import epoch_ms
from stream.identity.links import Link, LinkName

__all__ = ["KEY", "EvidenceName", "IdentityDecision", "IdentityLink", "encode_link", "read_link"]

#: What programs may say.
EvidenceName: TypeAlias = Literal["identified", "alias"]
#: What people may decide: that two ids are one person, or two.
IdentityDecision: TypeAlias = Literal["merge", "unmerge"]

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


_DECODER: Final = msgspec.json.Decoder(IdentityLink)


def encode_link(link: IdentityLink) -> bytes:
    """The value of its record."""
    return _ENCODE(link)


def read_link(value: bytes) -> Link | Rejection:
    """The link of a record's value; a `Rejection` (of record 0) for what is none."""
    try:
        link = _DECODER.decode(value).link()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Rejection(0, *diagnose(error, value))
    if not (link.one.isprintable() and link.other.isprintable()):
        return Rejection(0, Defect.CONTROL_CHARACTER, "an id has a character that is not seen")
    return link
