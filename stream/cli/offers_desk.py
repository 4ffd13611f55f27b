"""Reads what was offered and what came of it, and plans what to offer now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from stream.catalogue.windows import DAY_MS
from stream.cli.shop_day import ShopDay
from stream.consent.purposes import Purpose
from stream.leads.lead_contacts import begin_of, week_of
from stream.notifications.hold_out import is_held_out
from stream.offering.offer_plan import OfferCandidate, Planned, plan
from stream.offering.offers_file import OffersConfig
from stream.offering.uplift import uplifts_of
from stream.projections.identity import Identity
from stream.projections.leads import customer_in
from stream.projections.offers import Offers, OfferState, lead_key, week_key
from stream.reporting.assess import Assessing
from stream.reporting.offer_candidates import OFFER_INPUTS, candidates_of
from stream.reporting.offers_of_persons import OfferedPerson, corrections, person_of
from stream.storage.consent_desk import ConsentDesk
from stream.storage.person_ids import customers_of, ids_of_one
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["LinkedInOffers", "linked_in_offers", "offered_of", "offers_now", "over", "spent_of", "weeks_until"]

#: Older weeks are not read; what is older than this weighs a sixteenth.
_LEARNED_WEEKS: Final = 208
#: A decision counts half as much after so many weeks.
_HALF_LIFE_WEEKS: Final = 52.0

_decode: Final = msgspec.json.Decoder(OfferState).decode


def offered_of(desk: ProjectionDesk, customer_id: str) -> OfferedPerson:
    """Decisions about a customer, under all ids of the person."""
    return person_of(_states_of(desk, ids_of_one(desk, customer_id)))


def weeks_until(desk: ProjectionDesk, now_ms: int) -> list[OfferState]:
    """Sums of all weeks until now, a part of each partition."""
    last = week_of(now_ms)
    keys = map(week_key, range(last - _LEARNED_WEEKS, last + 1))
    return [_decode(state) for state in desk.shared(Offers.name, Offers.version, *keys)]


class LinkedInOffers(NamedTuple):
    """``owners``: the customer of each id that belongs to another one, of those which the projection knows.

    ``persons``: of customers with several such ids, what is stored under each.
    """

    owners: Mapping[str, str]
    persons: Mapping[str, Mapping[str, OfferState]]


def linked_in_offers(desk: ProjectionDesk) -> LinkedInOffers:
    """Who is one person, of those who were decided about or have ordered. Reads the keys of all of them."""
    if not desk.progress(Identity.name, Identity.version).folded:
        return LinkedInOffers({}, {})
    ids = [one for key in desk.keys(Offers.name, Offers.version) if (one := customer_in(key)) is not None]
    owners = customers_of(desk, [*dict.fromkeys(ids)])
    of_person: dict[str, list[str]] = {customer: [customer] for customer in owners.values()}
    for one, customer in owners.items():
        of_person[customer].append(one)
    states = _states_of(desk, [one for members in of_person.values() for one in members])
    persons = {who: {one: states[one] for one in members if one in states} for who, members in of_person.items()}
    return LinkedInOffers(owners, persons)


def over(weeks: Iterable[OfferState], window_days: float, now_ms: int) -> Iterator[OfferState]:
    """Weeks all of whose decisions have had their window."""
    for week in weeks:
        if week.week is not None and begin_of(week.week + 1) + window_days * DAY_MS <= now_ms:
            yield week


def spent_of(weeks: Iterable[OfferState]) -> dict[str, dict[int, int]]:
    """By offer, what it cost on each day since 1970 (1/MONEY_SCALE), of all partitions."""
    spent: dict[str, dict[int, int]] = {}
    for week in weeks:
        for name, days in week.spent.items():
            of_offer = spent.setdefault(name, {})
            for on, cost in days.items():
                of_offer[int(on)] = of_offer.get(int(on), 0) + cost
    return spent


def offers_now(day: ShopDay, config: OffersConfig, documents: Iterable[bytes] | None = None) -> list[Planned]:
    """What to offer to whom now; ``documents``: of these customers only, None: of all."""
    now_ms = day.basis.now_ms
    stages = {stage for offer in config.offers.values() for stage in offer.who.stages}
    if documents is None:
        documents = day.overview.documents()
    found = candidates_of(Assessing(documents, day.basis), stages, config.margin)
    with ProjectionDesk(day.settings) as desk:
        linked = linked_in_offers(desk)
        found = _with_decisions(desk, found, linked)
        weeks = [*weeks_until(desk, now_ms), *corrections(linked.persons.values())]
    parts = [
        (0.5 ** ((week_of(now_ms) - (week.week or 0)) / _HALF_LIFE_WEEKS), week.sums)
        for week in over(weeks, config.window_days, now_ms)
    ]
    with ConsentDesk(day.settings) as consents:
        consented = consents.read([one.customer_id for one in found], day.wall_ms)
    # what an offer would bring is a score as well
    found = [one for one in found if consented.may_score(one.customer_id, now_ms)]

    def may(purpose: Purpose, channel: str, one: OfferCandidate) -> bool:
        return bool(consented.may(one.customer_id, purpose, channel, now_ms, unsubscribed_ms=one.unsubscribed_ms))

    return plan(
        found,
        config,
        uplifts_of(parts, [*config.offers], len(OFFER_INPUTS)),
        now_ms,
        spent=spent_of(weeks),
        may=may,
        is_held_out=lambda customer_id: is_held_out(customer_id, config.hold_out.salt, config.hold_out.share),
        money=day.writing.money,
    )


def _with_decisions(
    desk: ProjectionDesk, candidates: Sequence[OfferCandidate], linked: LinkedInOffers
) -> list[OfferCandidate]:
    """Candidates with what was decided about them; without those who are other customers."""
    candidates = [one for one in candidates if one.customer_id not in linked.owners]
    states = _states_of(desk, [one.customer_id for one in candidates if one.customer_id not in linked.persons])
    found = []
    for one in candidates:
        if (of_ids := linked.persons.get(one.customer_id)) is not None:
            person = person_of(of_ids)
            found.append(one._replace(decisions=person.decisions, first_id=person.first_id))
        else:
            state = states.get(one.customer_id)
            found.append(one if state is None else one._replace(decisions=state.decisions))
    return found


def _states_of(desk: ProjectionDesk, customer_ids: Sequence[str]) -> dict[str, OfferState]:
    keys = [(lead_key(one), one) for one in customer_ids]
    states = desk.states_of(Offers.name, Offers.version, keys)
    return {one: _decode(state) for one, state in zip(customer_ids, states, strict=True) if state}
