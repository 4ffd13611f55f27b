"""What senders know about ids being one person, as links for the topic `identities`."""

from collections.abc import Iterable
from typing import Final

import msgspec

from stream.catalogue.identifiers import CUSTOMER, IDENTIFIERS
from stream.client.event_record import LinkRecord
from stream.events.rejections import Rejection
from stream.identity.links import Link
from stream.identity.nobody import is_nobody
from stream.identity.records import EvidenceName, read_link
from stream.identity.sealing import Sealer
from stream.settings import Settings

__all__ = ["LinkContract"]

_ENCODE: Final = msgspec.json.Encoder().encode
_ORDER: Final = (CUSTOMER, *sorted(IDENTIFIERS, key=lambda kind: -IDENTIFIERS[kind].strength))


class LinkContract:
    """Makes links of ids in clear: identifiers become tokens, and what tells nobody is left out."""

    def __init__(self, settings: Settings) -> None:
        self._sealer = Sealer.of(settings)

    def admit(
        self, name: EvidenceName, link_id: str, ids: Iterable[tuple[str, str]], occurred_at: float | str
    ) -> list[LinkRecord] | Rejection:
        """The links of the strongest of ``ids`` with each other one; none if fewer than two tell a person.

        ``ids``: each a kind, ``customer_id`` or one of `IDENTIFIERS`, and the id in clear. ``occurred_at``: as in an
        event. A `Rejection` (of record 0) for what the projection `identity` would refuse.
        """
        strongest, *others = self._sealed(ids) or [""]
        records = []
        for other in others:
            told = {"link_id": link_id, "name": name, "one": strongest, "other": other, "occurred_at": occurred_at}
            value = _ENCODE(told)
            link = read_link(value)
            if not isinstance(link, Link):
                return link
            records.append(LinkRecord(link_id, link.at_ms, value))
        return records

    def _sealed(self, ids: Iterable[tuple[str, str]]) -> list[str]:
        """Each id once, the strongest first."""
        found = [self._id(kind, text) for kind, text in sorted(ids, key=lambda one: _ORDER.index(one[0]))]
        return [*dict.fromkeys(one for one in found if one)]

    def _id(self, kind: str, text: str) -> str:
        if kind == CUSTOMER:
            return "" if is_nobody(text) else text
        token = self._sealer.token(kind, text)
        return token and f"{kind}:{token}"
