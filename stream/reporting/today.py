"""Whom to contact today and why: one pass over the customer documents, in bounded memory.

The list holds those who can still be won: silent for longer than their habit and not lost, by money at stake. Lost
customers are only counted. Memory: the list, and eight bytes of identity a customer, as a document may be read twice.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import xxhash
from msgspec import Struct
from msgspec.structs import replace

from stream.catalogue.events import CONTACT_CHANNELS
from stream.consent.agreements import May
from stream.consent.consented import NOTHING_SAID, Consented
from stream.consent.purposes import EMAIL, Purpose
from stream.events.times import epoch_ms
from stream.features.registry import COLUMN, DAY_MS, FEATURE_NAMES
from stream.features.stages import Stage
from stream.processing.rfm import Tier
from stream.reporting.advice import Advice, advice_of, advice_text, reason_of
from stream.reporting.assess import NO_SEGMENT, Assessed, Assessing, Basis, Card, Standing
from stream.reporting.entries import MOVEMENTS, Entry, Movement, SegmentFigures, Today
from stream.reporting.previous_order import order_before

__all__ = ["list_today"]

#: Customers named for each kind of movement.
_NAMED: Final = 10
_SOON_MS: Final = 7 * DAY_MS


@dataclass(slots=True)
class _Largest:
    """The ``most`` largest of what is offered, by a key; ``count`` of all."""

    most: int
    count: int = 0
    heap: list[tuple[float, str, Any]] = field(default_factory=list)

    def offer(self, key: float, customer_id: str, make: Callable[[], Any]) -> None:
        self.count += 1
        if len(self.heap) < self.most:
            heapq.heappush(self.heap, (key, customer_id, make()))
        elif self.heap and (key, customer_id) > self.heap[0][:2]:
            heapq.heapreplace(self.heap, (key, customer_id, make()))

    def first(self) -> list[Any]:
        return [item for _, _, item in sorted(self.heap, key=lambda entry: (-entry[0], entry[1]))]


class _Found(Struct, frozen=True):
    """An entry before the mean spend of all customers, and so the advice, is known."""

    entry: Entry
    values: dict[str, float]


def list_today(
    documents: Iterable[bytes], basis: Basis, *, since_ms: int, limit: int, consented: Consented = NOTHING_SAID
) -> Today:
    """Go through all customers once; ``limit``: how many the list holds at most.

    Who does not agree to scores is counted, and named nowhere.
    """
    fold = _Fold(basis, since_ms, limit, consented)
    assessing = Assessing(documents, basis)
    for assessed in assessing:
        fold.add(assessed)
    return replace(fold.result(), unreadable=assessing.unreadable)


class _Fold:
    def __init__(self, basis: Basis, since_ms: int, limit: int, consented: Consented) -> None:
        self._basis = basis
        self._consented = consented
        self._not_scored = 0
        self._since_ms = since_ms
        self._seen: set[int] = set()
        self._standing: Counter[Standing] = Counter()
        self._stages: Counter[Stage] = Counter()
        self._tiers: Counter[str] = Counter()
        self._list = _Largest(limit)
        self._moved = {kind: _Largest(_NAMED) for kind in MOVEMENTS}
        self._segments: dict[str, list[float]] = {}
        self._at_stake = self._spend = 0.0
        self._due_soon = 0
        self._newest_at = ""

    def add(self, some: Assessed) -> None:
        for row, card in enumerate(some.cards):
            identity = xxhash.xxh3_64_intdigest(card.customer_id.encode())
            if identity in self._seen:
                continue
            self._seen.add(identity)
            self._newest_at = max(self._newest_at, card.last_at)
            if not self._consented.may_score(card.customer_id, self._basis.now_ms):
                self._not_scored += 1
                continue
            standing = Standing(some.standing[row])
            self._standing[standing] += 1
            self._stages[Stage(some.stage[row])] += 1
            if card.rfm is not None:
                self._tiers[card.rfm.tier] += 1
            if standing is Standing.PROSPECT:
                continue
            self._count(some, row, standing)
            if standing is Standing.AT_RISK:
                at_stake = float(some.at_stake[row])
                self._at_stake += at_stake
                self._list.offer(at_stake, card.customer_id, lambda row=row: self._found(some, row))  # type: ignore[misc]
            self._move(some, row, standing)

    def _count(self, some: Assessed, row: int, standing: Standing) -> None:
        card = some.cards[row]
        self._spend += card.spend
        if standing is Standing.ACTIVE and some.due_at_ms[row] - self._basis.now_ms <= _SOON_MS:
            self._due_soon += 1
        totals = self._segments.setdefault(card.segment or NO_SEGMENT, [0, 0.0, 0.0, 0.0])
        expected = some.worth.spend[row]
        totals[0] += 1
        totals[1] += card.spend
        totals[2] += 0.0 if np.isnan(expected) else float(expected)
        totals[3] += float(some.at_stake[row]) if standing is Standing.AT_RISK else 0.0

    def _move(self, some: Assessed, row: int, standing: Standing) -> None:
        since_ms, now_ms = self._since_ms, self._basis.now_ms
        card = some.cards[row]

        def offer(kind: str) -> None:
            self._moved[kind].offer(card.spend, card.customer_id, lambda: self._found(some, row))

        if standing is Standing.LOST:
            if since_ms <= some.lost_at_ms[row] < now_ms:
                offer("lost")
            return
        last_ms = _last_order_ms(some, row, now_ms)
        if last_ms < since_ms:
            return
        gap = some.values[row, COLUMN["purchase_gap"]]
        first_ms = last_ms if np.isnan(gap) else last_ms - gap * (card.orders - 1) * DAY_MS
        if first_ms >= since_ms:
            offer("new")
            return
        offer("returning")
        if order_before(card.customer_id, some.states[row], since_ms, self._basis).was_lost:
            offer("won_back")

    def _found(self, some: Assessed, row: int) -> _Found:
        card = some.cards[row]
        values = dict(zip(FEATURE_NAMES, some.values[row].tolist(), strict=True))
        risk = float(some.risk[row])
        refused = self._refused(card)
        looked_days = values["days_since_click"]
        silent_days, usual_days = round(float(some.silent_days[row]), 2), round(float(some.habit_days[row]), 2)
        order_days = round(values["purchase_days"])
        return _Found(
            Entry(
                customer_id=card.customer_id,
                standing=Standing(some.standing[row]).text,
                reason=reason_of(silent_days, usual_days, order_days),
                advice=Advice.REMIND,
                action="",
                silent_days=silent_days,
                usual_days=usual_days,
                overdue=round(float(some.overdue[row]), 2),
                risk=None if np.isnan(risk) else round(risk, 4),
                at_stake=round(float(some.at_stake[row]), 2),
                orders=card.orders,
                order_days=order_days,
                spend=round(card.spend, 2),
                last_order_ms=_last_order_ms(some, row, self._basis.now_ms),
                due_ms=int(some.due_at_ms[row]),
                segment=card.segment,
                may_email=EMAIL not in refused,
                refused=refused,
                in_cart=round(values["open_cart_additions"]),
                looked_days=None if np.isnan(looked_days) else round(looked_days, 2),
                stage=Stage(some.stage[row]).text,
                tier=None if card.rfm is None else card.rfm.tier,
            ),
            values,
        )

    def _refused(self, card: Card) -> tuple[str, ...]:
        at = card.unsubscribed_at
        unsubscribed_ms = None if at is None else epoch_ms(datetime.fromisoformat(at))

        def may(channel: str) -> May:
            now_ms = self._basis.now_ms
            return self._consented.may(
                card.customer_id, Purpose.MARKETING, channel, now_ms, unsubscribed_ms=unsubscribed_ms
            )

        return tuple(channel for channel in CONTACT_CHANNELS if not may(channel))

    def result(self) -> Today:
        have_ordered = self._standing.total() - self._standing[Standing.PROSPECT]
        mean_spend = self._spend / max(have_ordered, 1)

        def advised(found: _Found) -> Entry:
            entry = found.entry
            advice = advice_of(
                found.values,
                overdue=entry.overdue,
                spend=entry.spend,
                mean_spend=mean_spend,
                unsubscribed=not entry.may_email,
            )
            return replace(entry, advice=advice, action=advice_text(advice, found.values, entry.refused))

        def movement(kind: str) -> Movement:
            moved = self._moved[kind]
            return Movement(moved.count, tuple(map(advised, moved.first())))

        basis = self._basis
        return Today(
            now_ms=basis.now_ms,
            since_ms=self._since_ms,
            scored=basis.scores,
            risk_from=basis.scorer.risk_from if basis.scores else None,
            risk_sure=basis.scorer.risk_sure if basis.scores else None,
            customers=self._standing.total() + self._not_scored,
            not_scored=self._not_scored,
            standing={standing.text: self._standing[standing] for standing in Standing},
            stages={stage.text: self._stages[stage] for stage in Stage if self._stages[stage]},
            tiers={tier.text: self._tiers[tier.text] for tier in Tier if self._tiers[tier.text]},
            at_risk=self._standing[Standing.AT_RISK],
            at_stake=round(self._at_stake, 2),
            due_soon=self._due_soon,
            newest_ms=epoch_ms(datetime.fromisoformat(self._newest_at)) if self._newest_at else None,
            horizon_days=basis.horizon_days,
            shop_gap_days=basis.shop_gap_days,
            entries=tuple(map(advised, self._list.first())),
            new=movement("new"),
            returning=movement("returning"),
            won_back=movement("won_back"),
            lost=movement("lost"),
            segments=tuple(
                SegmentFigures(name, int(totals[0]), *(round(total, 2) for total in totals[1:]))
                for name, totals in sorted(self._segments.items(), key=lambda item: (-item[1][1], item[0]))
            ),
        )


def _last_order_ms(some: Assessed, row: int, now_ms: int) -> int:
    return now_ms - round(float(some.silent_days[row]) * DAY_MS)
