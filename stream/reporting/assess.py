"""Customers as they stand at a stated time: documents in, standing, money and habit out.

A document is as of the customer's last event or timer, which may be months ago. So nothing in it that depends on time
is taken over: the packed profile is scored again at ``now``, and the habit is measured from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import islice
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from stream.alerts.customer_value import usual_spend
from stream.errors import CodecError
from stream.features.codec import unpack
from stream.features.habit import LOST_HABITS, overdue_habits
from stream.features.registry import COLUMN, DAY_MS
from stream.features.stages import AT_RISK_DAYS, AT_RISK_HABITS, Stage, silence_stages
from stream.processing.document import packed_state
from stream.processing.kernel import Kernel
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.processing.worth import Worth, worth_of

__all__ = [
    "MIN_OVERDUE_DAYS",
    "NO_SEGMENT",
    "OVERDUE_HABITS",
    "Assessed",
    "Assessing",
    "Basis",
    "Card",
    "Standing",
    "assess_one",
    "standing_of",
]

#: A customer is at risk when the silence is longer than this many habits.
OVERDUE_HABITS: Final = AT_RISK_HABITS
#: No customer is overdue within a week, however often they order.
MIN_OVERDUE_DAYS: Final = float(AT_RISK_DAYS)
#: What customers without an order, and all before there were segments, are counted under.
NO_SEGMENT: Final = "no segment yet"

#: Documents assessed at a time: bounds the memory, and keeps Redis's answers small.
_AT_ONCE: Final = 2000

Floats = npt.NDArray[np.float64]


class Standing(IntEnum):
    """Where a customer stands with the shop, by their own habit."""

    PROSPECT = 0
    ACTIVE = 1
    AT_RISK = 2
    LOST = 3

    @property
    def text(self) -> str:
        """As people call it."""
        return ("without an order", "active", "at risk", "lost")[self]


class Rated(msgspec.Struct, frozen=True):
    """Of a customer's scores, the tier."""

    tier: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a customer document that does not depend on time; see `stream.processing.document`."""

    customer_id: str
    orders: int
    spend: float
    first_at: str
    last_at: str
    last_order_at: str | None = None
    unsubscribed_at: str | None = None
    segment: str | None = None
    stage: str | None = None
    rfm: Rated | None = None
    alert: bool = False


@dataclass(frozen=True)
class Basis:
    """By what customers are assessed.

    ``now_ms``: must not be before the newest event of any customer. ``scorer``: holds the stored model, or none.
    """

    now_ms: int
    scorer: Scorer
    rules: Rules
    overdue_habits: float = OVERDUE_HABITS

    @property
    def scores(self) -> bool:
        """Whether a model is ready; without one risks are NaN."""
        return self.scorer.model.ready

    @property
    def shop_gap_days(self) -> float:
        """The shop's usual gap between orders; a default until it is known."""
        return self.scorer.model.shop_gap_days

    @property
    def horizon_days(self) -> float:
        """The horizon in force."""
        return self.rules.under(self.scorer.model).horizon_ms / DAY_MS

    @cached_property
    def kernel(self) -> Kernel:
        return Kernel(self.rules)


@dataclass(frozen=True, slots=True)
class Assessed:
    """N customers at ``now``. Arrays are of length N; NaN is not known.

    ``stage``: `Stage`, which silence may have led on from the one in the document. ``silent_days`` since the last
    order, ``habit_days`` the usual gap, ``overdue`` their ratio; ``lost_at_ms`` when the customer is or was given up,
    ``due_at_ms`` when the next order is expected (0 without an order). ``risk``: that no order comes within the
    horizon. ``at_stake``: money that is lost with the customer over one horizon, times the risk; without a model
    their usual spend of one horizon. ``worth``: what the value model expects. ``values`` float64[N, features],
    ``inputs`` int16[N, features], ``states``: the packed profiles.
    """

    cards: list[Card]
    standing: npt.NDArray[np.int8]
    stage: npt.NDArray[np.int8]
    silent_days: Floats
    habit_days: Floats
    overdue: Floats
    due_at_ms: npt.NDArray[np.int64]
    lost_at_ms: npt.NDArray[np.int64]
    risk: Floats
    at_stake: Floats
    worth: Worth
    values: Floats
    inputs: npt.NDArray[np.int16]
    states: list[bytes]


_decoder = msgspec.json.Decoder(Card)


def standing_of(
    silent_days: npt.ArrayLike, habit_days: npt.ArrayLike, horizon_days: float, overdue: float = OVERDUE_HABITS
) -> npt.NDArray[np.int8]:
    """`Standing` of customers by silence and habit (days), elementwise; NaN silence is a customer without an order.

    Lost: silent for longer than `LOST_HABITS` habits and than the horizon. At risk: for longer than ``overdue``
    habits and than a week.

    >>> standing_of([np.nan, 10.0, 22.0, 43.0, 20.0, 6.0], [30.0, 14.0, 14.0, 14.0, 5.0, 2.0], 28.0).tolist()
    [0, 1, 2, 3, 2, 1]
    """
    silent, habit = np.asarray(silent_days, np.float64), np.asarray(habit_days, np.float64)
    lost = silent > np.maximum(LOST_HABITS * habit, horizon_days)
    is_overdue = silent > np.maximum(overdue * habit, MIN_OVERDUE_DAYS)
    found = np.where(lost, Standing.LOST, np.where(is_overdue, Standing.AT_RISK, Standing.ACTIVE))
    return np.where(np.isnan(silent), Standing.PROSPECT, found).astype(np.int8)


class Assessing:
    """Assesses customers a couple of thousand at a time, in the order of ``documents``.

    Documents that cannot be read are left out and counted: one of them must not hide all other customers.
    Raises `CodecError` if none can be read.
    """

    def __init__(self, documents: Iterable[bytes], basis: Basis) -> None:
        self._source = iter(documents)
        self._basis = basis
        #: Documents that were left out so far.
        self.unreadable = 0

    def __iter__(self) -> Iterator[Assessed]:
        is_any_readable, last = False, CodecError("")
        while chunk := list(islice(self._source, _AT_ONCE)):
            try:
                yield _assessed(chunk, self._basis)
            except (CodecError, msgspec.MsgspecError) as error:
                last = CodecError(str(error))
                readable = [document for document in chunk if _is_readable(document)]
                self.unreadable += len(chunk) - len(readable)
                if not readable:
                    continue
                yield _assessed(readable, self._basis)
            is_any_readable = True
        if self.unreadable and not is_any_readable:
            raise last


def assess_one(document: bytes, basis: Basis) -> Assessed:
    """Assess one customer. Raises `CodecError` if the document cannot be read."""
    (some,) = Assessing([document], basis)
    return some


def _is_readable(document: bytes) -> bool:
    try:
        unpack(packed_state(document), _decoder.decode(document).customer_id)
    except (CodecError, msgspec.MsgspecError):
        return False
    return True


def _assessed(documents: list[bytes], basis: Basis) -> Assessed:
    cards = [_decoder.decode(document) for document in documents]
    states = [packed_state(document) for document in documents]
    scores = basis.kernel.score([card.customer_id for card in cards], states, basis.now_ms, basis.scorer.model)
    orders = scores.values[:, COLUMN["purchases_total"]]
    order_days = scores.values[:, COLUMN["purchase_days"]]
    silent = scores.values[:, COLUMN["days_since_purchase"]]
    habit = scores.habits
    risk = scores.risks if basis.scores else np.full(len(cards), np.nan)
    spend = np.array([card.spend for card in cards])
    tenure = scores.values[:, COLUMN["tenure"]]
    worth = worth_of(
        basis.scorer,
        basis.rules,
        inputs=scores.inputs,
        risk=risk,
        net_spend=spend,
        tenure_days=tenure,
        has_ordered=orders > 0,
    )
    usual = usual_spend(spend, tenure, basis.horizon_days, basis.shop_gap_days)
    at_stake = worth.at_risk if basis.scores else np.round(usual, 2)
    has_ordered = ~np.isnan(silent)
    ordered_ms = basis.now_ms - np.where(has_ordered, silent, 0.0) * DAY_MS
    lost_after = np.maximum(LOST_HABITS * habit, basis.horizon_days) * DAY_MS
    return Assessed(
        cards=cards,
        standing=standing_of(silent, habit, basis.horizon_days, basis.overdue_habits),
        stage=_stages(cards, silent, habit, basis.horizon_days, order_days),
        silent_days=silent,
        habit_days=habit,
        overdue=overdue_habits(silent, habit),
        due_at_ms=_times(ordered_ms + habit * DAY_MS, has_ordered),
        lost_at_ms=_times(ordered_ms + lost_after, has_ordered),
        risk=risk,
        at_stake=np.where(np.isnan(at_stake) | ~has_ordered, 0.0, at_stake),
        worth=worth,
        values=scores.values,
        inputs=scores.inputs,
        states=states,
    )


def _stages(
    cards: list[Card], silent_days: Floats, habit_days: Floats, horizon_days: float, order_days: Floats
) -> npt.NDArray[np.int8]:
    stored = np.array([Stage[card.stage.upper()] if card.stage else Stage.NONE for card in cards], np.int8)
    has_ordered = ~np.isnan(silent_days)
    silent_ms = np.where(has_ordered, silent_days * DAY_MS, 0.0).round().astype(np.int64)
    by_silence = silence_stages(silent_ms, habit_days, round(horizon_days * DAY_MS))
    # where none is stored, nobody knows who was won back
    within = np.where(stored > Stage.LEAD, stored, np.where(order_days > 1, Stage.ACTIVE, Stage.NEW))
    found = np.where(by_silence > Stage.ACTIVE, np.maximum(by_silence, stored), within)
    return np.where(has_ordered, found, Stage.LEAD).astype(np.int8)


def _times(at_ms: Floats, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.where(known, np.round(at_ms), 0.0).astype(np.int64)
