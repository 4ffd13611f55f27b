"""Reads what was offered and what came of it, and plans what to offer now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from stream.cli.shop_day import ShopDay
from stream.consent.purposes import Purpose
from stream.leads.lead_contacts import begin_of, week_of
from stream.notifications.hold_out import is_held_out
from stream.offering.offer_plan import OfferCandidate, Planned, plan
from stream.offering.offers_file import OffersConfig
from stream.offering.uplift import uplifts_of
from stream.projections.offers import Offers, OfferState, lead_key, week_key
from stream.reporting.assess import assess
from stream.reporting.offer_candidates import OFFER_INPUTS, candidates_of
from stream.storage.consent_desk import ConsentDesk
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["offered_of", "offers_now", "over", "spent_of", "weeks_until"]

#: Older weeks are not read; what is older than this weighs a sixteenth.
_LEARNED_WEEKS: Final = 208
#: A decision counts half as much after so many weeks.
_HALF_LIFE_WEEKS: Final = 52.0
_DAY_MS: Final = 86_400_000

_decode: Final = msgspec.json.Decoder(OfferState).decode


def offered_of(desk: ProjectionDesk, customer_id: str) -> OfferState | None:
    """Decisions about a customer, None if there is none."""
    stored = desk.state(Offers.name, Offers.version, lead_key(customer_id), customer_id)
    return None if stored is None else _decode(stored)


def weeks_until(desk: ProjectionDesk, now_ms: int) -> list[OfferState]:
    """Sums of all weeks until now, a part of each partition."""
    last = week_of(now_ms)
    keys = map(week_key, range(last - _LEARNED_WEEKS, last + 1))
    return [_decode(state) for state in desk.shared(Offers.name, Offers.version, *keys)]


def over(weeks: Iterable[OfferState], window_days: float, now_ms: int) -> Iterator[OfferState]:
    """Weeks all of whose decisions have had their window."""
    for week in weeks:
        if week.week is not None and begin_of(week.week + 1) + window_days * _DAY_MS <= now_ms:
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
    found = candidates_of(assess(documents or day.overview.documents(), day.basis), stages, config.margin)
    with ProjectionDesk(day.settings) as desk:
        found = _with_decisions(desk, found)
        weeks = weeks_until(desk, now_ms)
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


def _with_decisions(desk: ProjectionDesk, candidates: Sequence[OfferCandidate]) -> list[OfferCandidate]:
    keys = [(lead_key(one.customer_id), one.customer_id) for one in candidates]
    states = desk.states_of(Offers.name, Offers.version, keys)
    known = (None if state is None else _decode(state).decisions for state in states)
    return [one._replace(decisions=made or {}) for one, made in zip(candidates, known, strict=True)]
