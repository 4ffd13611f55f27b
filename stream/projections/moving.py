"""Persons who become others: what a projection folded of them is taken out, and their events are folded again.

The stage sends the events of a person again when they become another customer, and when two are taken apart
(`stream.identity.departures`). So no state has to be joined or divided: a fold takes out what it has of a person
(`Projection.release`), and folds the events anew, under whom they are of now. A projection needs no second way to
come to a state. What depends on the order of events, as loyalty does, goes by the order in which they come again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from stream.events.record import Record
from stream.identity.departures import arrived_as, departure_of, edition_of, is_again
from stream.identity.note_proof import NoteProof
from stream.projections.protocol import Input, Projection

__all__ = ["MAX_EDITIONS", "Moves", "Stretch", "forget_oldest"]

#: Customers whose edition a partition remembers, those of the newest editions: what is void is under way for seconds.
MAX_EDITIONS: Final = 1000
#: Under this, which is nobody's id, the latest edition that was forgotten: events of it and before begin no new one.
_FORGOTTEN: Final = "\n"


class Stretch(NamedTuple):
    """Records to be folded after ``released`` (key and message) has been; ``cause``: the record for which."""

    records: Sequence[Record]
    released: Sequence[tuple[str, object]] = ()
    cause: Record | None = None


class Moves:
    """Divides the records of a topic where somebody has to be taken out. Without a ``proof`` nobody ever moves.

    Records of other topics than those of events are of no edition: they are not sent again.
    """

    def __init__(self, projection: Projection[Any], proof: NoteProof | None) -> None:
        self._projection = projection
        self._proof = proof

    def stretches(self, source: Input, records: Sequence[Record], editions: dict[str, int]) -> Iterator[Stretch]:
        """The records that count, in their order; ``editions``, by customer, are brought up to date.

        What is folded of nobody in particular counts where it came first, so all that is sent again is left out there.
        """
        proof = self._proof
        if proof is None or not (editions or any(record.headers for record in records)):
            yield Stretch(records)
            return
        if not source.comes_again:
            yield Stretch([one for one in records if not one.headers or departure_of(one, proof) is None])
            return
        stretch = list[Record]()
        released: Sequence[tuple[str, object]] = ()
        cause: Record | None = None
        forgotten = editions.get(_FORGOTTEN, 0)
        for record in records:
            departure = departure_of(record, proof)
            if departure is None and not arrived_as(record.headers):
                # it did not come by `arrivals`, so it is of no edition, and is not sent again
                stretch.append(record)
                continue
            edition = edition_of(record.headers) if departure is None else departure.edition
            who = (record.key or b"").decode(errors="replace")
            known = editions.get(who, edition if departure is None and edition <= forgotten else 0)
            takes_out = self._projection.release(who)
            if takes_out is None:
                if departure is None and not is_again(record.headers):
                    stretch.append(record)
                continue
            if edition > known:
                editions[who] = edition
                yield Stretch(stretch, released, cause)
                stretch, released, cause = [], [*takes_out], record
            if departure is None and edition >= known:
                stretch.append(record)
        yield Stretch(stretch, released, cause)
        forget_oldest(editions)


def forget_oldest(editions: dict[str, int]) -> None:
    """Keep the newest `MAX_EDITIONS`, and which is the latest of the others."""
    forgotten = editions.pop(_FORGOTTEN, 0)
    for who in sorted(editions, key=editions.__getitem__)[: max(len(editions) - MAX_EDITIONS, 0)]:
        forgotten = max(forgotten, editions.pop(who))
    if forgotten:
        editions[_FORGOTTEN] = forgotten
