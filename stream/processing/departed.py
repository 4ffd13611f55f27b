"""Customers who are others from now on, and those whom they join: what is kept so that it can be undone.

* Who leaves keeps the profile of that time, in a document that says where they went. Their events are passed over: the
  projection `arrivals` sends them to the other customer. Who comes back goes on from that profile.
* Whom somebody joins keeps the profile of before, beside the present one. When somebody is taken away, they go on from
  that one, and what is theirs is sent again. It is of use as long as all that came since can be sent again: later a
  join cannot be undone for what was counted by then.

What is sent again and is in a profile already is a duplicate, by its id.
"""

from __future__ import annotations

import dataclasses
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import UNSET

from stream.catalogue.customer_record import CustomerRecord
from stream.errors import CodecError
from stream.events.packed_records import Headers
from stream.events.times import rfc3339
from stream.features.codec import verify
from stream.identity.departures import Departure, arrived_as, departure_of, edition_of, is_again, is_repeat
from stream.identity.note_proof import NoteProof
from stream.processing.align import Taken
from stream.processing.document import packed_state, public
from stream.processing.editions import BEGIN, STATE, Edition, edition_in, with_edition, without_edition
from stream.processing.erased import Refuses
from stream.processing.picked_records import headers_of
from stream.processing.profile_cache import ProfileCache
from stream.processing.state import Outgoing
from stream.processing.step_outcome import PUBLIC_HEADERS, StepOutcome

__all__ = ["MAX_HISTORY_MS", "Departed", "departures_in"]

#: Of so long a time events are sent again, at most.
MAX_HISTORY_MS: Final = 90 * 86_400_000
_encoder: Final = msgspec.json.Encoder()
#: Editions that may be remembered of customers who are not cached any more.
_SLACK: Final = 1000
#: What every event has that was passed on; those that are sent again have more.
_FEW_HEADERS: Final = 3


def departures_in(taken: Taken, proof: NoteProof, refuses: Refuses) -> tuple[Taken, dict[str, Departure]]:
    """``taken`` without the records of departures, which no decoder takes for an event; the newest of each customer.

    Those that name somebody who is erased are passed over.
    """
    found: dict[str, Departure] = {}
    if not taken.rejections:
        return taken, found
    kept = []
    for rejection in taken.rejections:
        departure = departure_of(rejection[1], proof)
        if departure is None:
            kept.append(rejection)
        elif any(refuses(who, rejection[1].timestamp) for who in (departure.customer_id, departure.merged_into)):
            continue
        elif departure.customer_id not in found or departure.edition > found[departure.customer_id].edition:
            found[departure.customer_id] = departure
    passed_over = taken.passed_over + len(taken.rejections) - len(kept)
    return dataclasses.replace(taken, rejections=kept, passed_over=passed_over), found


class Departed:
    """Editions of the customers of a partition, as far as their documents were read or written.

    ``profiles``: the packed profiles of customers who are cached, None of those who have none; they are changed here.
    ``history_ms``: of so long a time events are sent again.
    """

    def __init__(self, profiles: ProfileCache, history_ms: int) -> None:
        self._profiles = profiles
        self._history_ms = history_ms
        self._editions: dict[str, Edition] = {}
        #: The profiles of those who have left.
        self._left: dict[str, bytes] = {}
        #: Editions as they are with the next outcome.
        self._next: dict[str, Edition] = {}
        #: For whom the next step counts what counted elsewhere before.
        self._joined: set[str] = set()

    def clear(self) -> None:
        self._editions.clear()
        self._left.clear()
        self._next.clear()
        self._joined.clear()

    def forget(self, customer: str) -> None:
        """Nothing is stored of a customer: none has been, or they are erased."""
        self._editions.pop(customer, None)
        self._left.pop(customer, None)

    def read(self, customer: str, document: bytes) -> None:
        """Take note of the edition of a document just read, after `forget`.

        Raises `CodecError` if it is damaged, also where it has profiles that count later.
        """
        if not document.startswith(BEGIN):
            return
        edition = edition_in(document)
        if edition.before:
            verify(_unpacked(edition.before), customer)
        if edition.into:
            left = packed_state(document) if STATE in document else b""
            if left:
                verify(left, customer)
            self._left[customer] = left
        self._editions[customer] = edition

    def follow(self, taken: Taken, departures: Mapping[str, Departure], at_ms: int) -> Taken:
        """``taken`` without void events, and the profiles from which the step begins. All customers are cached.

        ``at_ms``: stream time before the step.
        """
        self._next, self._joined = {}, set()
        at_ms = max(at_ms, int(taken.events["time"].max())) if len(taken.events) else at_ms
        for who, departure in departures.items():
            if departure.edition > self._of(who).number:
                self._depart(departure, at_ms)
        headers_of_all = headers_of(taken.records)
        self._begin_editions(taken.customer_ids, headers_of_all, at_ms)
        kept = [
            position
            for position, (customer, headers) in enumerate(zip(taken.customer_ids, headers_of_all, strict=True))
            if self._counts(customer, headers, at_ms)
        ]
        for position in kept:
            headers = headers_of_all[position]
            if len(headers) > _FEW_HEADERS and is_again(headers) and not is_repeat(headers):
                self._joined.add(taken.customer_ids[position])
        left_out = len(taken.customer_ids) - len(kept)
        if not left_out:
            return taken
        return dataclasses.replace(taken.only(np.array(kept, np.int64)), passed_over=taken.passed_over + left_out)

    def silent(self, outcome: StepOutcome) -> list[str]:
        """Customers who begin again from a profile of before, and have no event in the step."""
        return [
            who
            for who, edition in self._next.items()
            if not edition.into and who not in outcome.documents and self._profiles.get(who) is not None
        ]

    def with_editions(self, outcome: StepOutcome) -> StepOutcome:
        """The outcome of a step or sweep with the editions of its customers in their documents."""
        if not (self._editions or self._next):
            return outcome
        documents = {who: self._with_edition(who, text) for who, text in outcome.documents.items()}
        return dataclasses.replace(outcome, documents=documents)

    def noted(self, outcome: StepOutcome, topic: str, tombstone: Callable[[str], Outgoing]) -> StepOutcome:
        """The outcome with those who leave, or of whom nothing is left; ``topic``: of customers, or empty.

        The topic is told of them, and of those who come back, are joined by others or lose them: whoever adds its
        records up counts each event once.
        """
        documents = dict(outcome.documents)
        aside = outcome.state.quarantined
        gone = {who: of for who, of in self._next.items() if who not in documents and (of.into or who not in aside)}
        at = rfc3339(outcome.state.stream_time_ms or 0)
        told: list[Outgoing] = []
        for who, edition in gone.items():
            text = _encoder.encode(_gone(who, edition.into, at))
            is_kept = bool(edition.into and self._left.get(who))
            state = b',"state":"%b"' % b64encode(self._left[who]) if is_kept else b""
            documents[who] = with_edition(b"%b%b}" % (text[:-1], state), edition)
            if is_kept:
                told.append(Outgoing(topic, who.encode(), text, _HEADERS_OF_GONE))
            elif not edition.into:
                told.append(tombstone(who))
            aside.pop(who, None)
        if topic:
            told += self._told(outcome, topic)
        return dataclasses.replace(
            outcome,
            documents=documents,
            retired=[*outcome.retired, *gone],
            idle=[*outcome.idle, *gone],
            outgoing=[*outcome.outgoing, *(told if topic else [])],
        )

    def _told(self, outcome: StepOutcome, topic: str) -> Iterator[Outgoing]:
        """Documents of those for whom other events count from now on, and of whom the step does not tell anyway."""
        concerned = dict.fromkeys([*self._next, *sorted(self._joined)])
        known = {one.key for one in outcome.outgoing if one.topic == topic} if concerned else set[bytes | None]()
        for who in concerned:
            key, text = who.encode(), outcome.documents.get(who)
            if text is not None and key not in known:
                yield Outgoing(topic, key, public(without_edition(text)), PUBLIC_HEADERS)

    def accept(self) -> None:
        """An outcome has been stored."""
        self._editions.update(self._next)
        for who, edition in self._next.items():
            if not edition.into:
                self._left.pop(who, None)
        self._next, self._joined = {}, set()
        if len(self._editions) > 2 * len(self._profiles) + _SLACK:
            self._editions = {who: one for who, one in self._editions.items() if who in self._profiles}
            self._left = {who: one for who, one in self._left.items() if who in self._profiles}

    def _of(self, customer: str) -> Edition:
        return self._next.get(customer) or self._editions.get(customer) or _FIRST

    def _depart(self, departure: Departure, at_ms: int) -> None:
        who, known = departure.customer_id, self._of(departure.customer_id)
        profile = self._profiles.get(who)
        if departure.merged_into != who:
            if not known.into:
                self._left[who] = profile or b""
            self._next[who] = msgspec.structs.replace(known, number=departure.edition, into=departure.merged_into)
            self._profiles.put([who], [None])
            return
        self._next[who] = msgspec.structs.replace(known, number=departure.edition, into="")
        if known.before is not None and not self._is_of_long_ago(known, at_ms):
            self._profiles.put([who], [b64decode(known.before) or None])
        elif known.into:
            self._profiles.put([who], [self._left.get(who) or None])

    def _is_of_long_ago(self, edition: Edition, at_ms: int) -> bool:
        """Whether the profile of before is so old that not all that came since would be sent again."""
        return edition.joined_ms < at_ms - self._history_ms

    def _begin_editions(self, customer_ids: Sequence[str], headers_of_all: Sequence[Headers], at_ms: int) -> None:
        """What is sent again under one id may come before the record of the departure, which another id gives."""
        newest: dict[str, int] = {}
        for customer, headers in zip(customer_ids, headers_of_all, strict=True):
            edition = edition_of(headers) if headers else 0
            if edition > newest.get(customer, 0):
                newest[customer] = edition
        for who, edition in newest.items():
            if edition > self._of(who).number:
                self._depart(Departure(customer_id=who, merged_into=who, edition=edition), at_ms)

    def _counts(self, customer: str, headers: Headers, at_ms: int) -> bool:
        """Whether an event counts; whoever comes back, or is joined, is noted.

        What did not come by `arrivals` is of no edition and is not sent again: it counts for whom it names, unless they
        have left.
        """
        edition, own_id = self._of(customer), arrived_as(headers)
        is_straight = not edition.into and not own_id
        if edition_of(headers) < edition.number and not is_straight:
            return False
        if edition.into:
            self._profiles.put([customer], [self._left.get(customer) or None])
            edition = self._next[customer] = msgspec.structs.replace(edition, into="")
        is_of_another = own_id not in {"", customer}
        if is_of_another and (edition.before is None or self._is_of_long_ago(edition, at_ms)):
            before = b64encode(self._profiles.get(customer) or b"").decode()
            self._next[customer] = msgspec.structs.replace(edition, before=before, joined_ms=at_ms)
        return True

    def _with_edition(self, customer: str, document: bytes) -> bytes:
        edition = self._of(customer)
        return document if edition is _FIRST else with_edition(document, edition)


def _unpacked(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise CodecError(f"the profile before others joined cannot be read: {error}") from error


_FIRST: Final = Edition()
#: The same, but not the list by which a record is known to be the public part of what is stored.
_HEADERS_OF_GONE: Final = [*PUBLIC_HEADERS]


def _gone(customer: str, into: str, at: str) -> CustomerRecord:
    """What is told of a customer of whom nothing counts here (any more)."""
    return CustomerRecord(
        customer_id=customer,
        as_of=at,
        merged_into=into or UNSET,
        model_version=0,
        alert=False,
        events=0,
        orders=0,
        spend=0.0,
        first_at=at,
        last_at=at,
        features={},
    )
