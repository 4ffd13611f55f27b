"""Customers to whom something may be offered, as they stand at a stated time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from stream.events.times import epoch_ms
from stream.features.registry import COLUMN
from stream.features.stages import Stage
from stream.offering.offer_plan import OfferCandidate
from stream.offering.uplift import quantised
from stream.reporting.advice import reason_of
from stream.reporting.assess import Assessed

__all__ = ["OFFER_INPUTS", "candidates_of"]

#: What is known of a customer when an offer is chosen: a constant, the silence in usual gaps (a quarter), the logarithm
#: of the days with an order (a third), the risk (a half where it is not known), whether the customer was on the site in
#: 28 days, and the share of e-mails opened.
OFFER_INPUTS: Final = ("one", "overdue", "order_days", "risk", "was_on_site", "email_open_rate")


def candidates_of(parts: Iterable[Assessed], stages: Collection[str], margin: float) -> list[OfferCandidate]:
    """Customers in one of ``stages`` with an order, each once; an order is worth ``margin`` of the usual one."""
    found: dict[str, OfferCandidate] = {}
    for some in parts:
        for row, card in enumerate(some.cards):
            stage = Stage(some.stage[row]).code
            if stage not in stages or not card.orders:
                continue
            values = some.values[row]
            order_days = float(values[COLUMN["purchase_days"]])
            found[card.customer_id] = OfferCandidate(
                customer_id=card.customer_id,
                stage=stage,
                orders=card.orders,
                context=_context(some, row, order_days),
                order_value=round(max(_order_value(card.spend, card.orders, values), 0.0) * margin, 2),
                reason=reason_of(float(some.silent_days[row]), float(some.habit_days[row]), order_days),
                decisions={},
                unsubscribed_ms=None
                if card.unsubscribed_at is None
                else epoch_ms(datetime.fromisoformat(card.unsubscribed_at)),
            )
    return [*found.values()]


def _order_value(spend: float, orders: int, values: npt.NDArray[np.float64]) -> float:
    usual = float(values[COLUMN["order_value"]])
    return spend / orders if np.isnan(usual) else usual


def _context(some: Assessed, row: int, order_days: float) -> tuple[int, ...]:
    values, risk = some.values[row], float(some.risk[row])
    open_rate = float(values[COLUMN["email_open_rate"]])
    return quantised(
        (
            1.0,
            float(some.overdue[row]) / 4.0,
            float(np.log1p(order_days)) / 3.0,
            0.5 if np.isnan(risk) else risk,
            float(values[COLUMN["clicks_28d"]] > 0),
            0.0 if np.isnan(open_rate) else open_rate,
        )
    )
