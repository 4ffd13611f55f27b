"""Everything that was ever told of who is whom: who decided, or which event told so, and when."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import msgspec

from stream.cli.privacy_erasing import KAFKA_S
from stream.events.times import rfc3339
from stream.identity.records import IdentityLink
from stream.notifications.read_to_end import read_to_end
from stream.privacy.erasure_feed import ErasureFeed
from stream.settings import Settings

__all__ = ["trail_of"]

_decode = msgspec.json.Decoder(IdentityLink).decode


def trail_of(settings: Settings, ids: AbstractSet[str]) -> Iterator[str]:
    """A line for each record of the topic of links that names one of ``ids``, in the order in which they came.

    Links that a later decision has replaced are among them, and those that join nothing, but none with somebody who was
    erased. Raises `TopologyError`, and `StorageError` while who is erased cannot be read.
    """
    with ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        for record in read_to_end(settings, settings.identities):
            try:
                told = _decode(record.value or b"")
                link = told.link()
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue  # the projection has made it a dead letter
            ends = (told.one, told.other)
            if ids.isdisjoint(ends) or any(feed.erasures.refuses(one, record.timestamp) for one in ends):
                continue
            source = f"the event {link.link_id}" if told.by is None else f"{told.by} ({link.link_id})"
            into = " into " if told.name == "merge" else " and "
            yield f"{rfc3339(link.at_ms)} {told.name} {link.one}{into}{link.other}, by {source}"
