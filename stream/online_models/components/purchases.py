"""How the shop's customers order and leave, learned from orders alone."""

from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from stream.catalogue.wording import number_of
from stream.features.order_process import HISTORY_COLUMNS, histories, history_of
from stream.features.registry import DAY_MS, INPUT_SCALE
from stream.online_models.closures import OrderDays
from stream.online_models.component import Component, Context
from stream.online_models.customer_sample import CustomerSample, SampleState
from stream.online_models.example import Example, Observation
from stream.online_models.inputs import lacks
from stream.online_models.purchase_fit import fit
from stream.online_models.purchase_process import PRIOR, Histories, PurchaseProcess
from stream.online_models.purchases_snapshot import PURCHASES, PurchasesSnapshot, TypicalHistory

__all__ = ["Purchases", "PurchasesState", "histories_of"]

_WEEK_DAYS: Final = 7
_WEEK_MS: Final = _WEEK_DAYS * DAY_MS
#: The parameters are fitted anew every week, whenever the sample has grown by this factor, and after more observations
#: than it has customers: those of an imported history come partition by partition, and so not in the order of weeks.
_GROWTH: Final = 1.25


class PurchasesState(Struct, frozen=True, kw_only=True):
    """``fitted_week``: since the epoch; ``fitted_customers``: in the sample then. ``days``: orders of the sample.

    ``seen``: observations of the sample since then.
    """

    sample: SampleState = field(default_factory=SampleState)
    process: PurchaseProcess = PRIOR
    fitted_week: int = -1
    fitted_customers: int = 0
    typical: TypicalHistory = TypicalHistory()
    days: OrderDays = field(default_factory=OrderDays)
    seen: int = 0


class Purchases(Component):
    """MBG/NBD fitted every week to the newest observations of a sample of customers."""

    name = PURCHASES
    state_type = PurchasesState
    may_begin_anew = True

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self._sample = CustomerSample()
        self._process = PRIOR
        self._fitted_week = -1
        self._fitted_customers = 0
        self._typical = TypicalHistory()
        self._days = OrderDays()
        self._seen = 0

    @property
    def process(self) -> PurchaseProcess:
        """As of the last fit."""
        return self._process

    def learn(self, example: Example) -> None:
        if not isinstance(example, Observation):
            return
        week = example.at_ms // _WEEK_MS
        is_sampled = self._sample.takes(example.customer_id)
        if not is_sampled and not self._is_due(week):
            return
        if lacks(example.x, HISTORY_COLUMNS):
            return
        x, span, age = history_of(np.array(example.x, np.float64), float(INPUT_SCALE))
        if x < 0:
            return
        last_ms = max(example.at_ms - round((age - span) * DAY_MS), 0)
        self._sample.see(
            example.customer_id,
            at_ms=example.at_ms,
            first_ms=max(last_ms - round(span * DAY_MS), 0),
            last_ms=last_ms,
            x=x,
        )
        if age - span < _WEEK_DAYS:
            # landmarks are weekly: no earlier one has told of this order
            self._days.count(last_ms)
        self._seen += is_sampled
        if self._is_due(week):
            self._fit(example.at_ms, max(week, self._fitted_week))

    def _is_due(self, week: int) -> bool:
        customers = len(self._sample)
        return week > self._fitted_week or customers >= _GROWTH * self._fitted_customers or self._seen > customers

    def _fit(self, now_ms: int, week: int) -> None:
        of = self._sample.histories(now_ms)
        self._process = fit(self._sample.histories(now_ms, self._days.closed(now_ms)), self._process)
        self._fitted_week, self._fitted_customers, self._seen = week, len(self._sample), 0
        self._typical = TypicalHistory(x=float(of.x.mean()), last=float(of.last.mean()), age=float(of.age.mean()))

    def forget(self, customer_id: str) -> bool:
        """The parameters stay until the next fit, which is without the customer."""
        return self._sample.forget(customer_id)

    def snapshot(self) -> PurchasesSnapshot:
        return PurchasesSnapshot(process=self._process, customers=self._fitted_customers, typical=self._typical)

    def state(self) -> PurchasesState:
        return PurchasesState(
            sample=self._sample.state(),
            process=self._process,
            fitted_week=self._fitted_week,
            fitted_customers=self._fitted_customers,
            typical=self._typical,
            days=self._days,
            seen=self._seen,
        )

    def resume(self, state: PurchasesState) -> None:
        self._sample = CustomerSample.from_state(state.sample)
        self._process = state.process
        self._fitted_week, self._fitted_customers = state.fitted_week, state.fitted_customers
        self._typical = state.typical
        self._days, self._seen = state.days, state.seen

    def describe(self) -> str:
        if not self._fitted_customers:
            return "expects orders as in other shops: none has been seen"
        customers = number_of(self._fitted_customers, "customer", "customers")
        rate, leaves = self._process.r / self._process.alpha, self._process.a / (self._process.a + self._process.b)
        return (
            f"learned from the orders of {customers}: one every {1.0 / rate:.0f} days while they are active, and "
            f"{leaves:.0%} leave after an order"
        )


def histories_of(inputs: npt.NDArray[np.int16]) -> Histories:
    """What the process is told of customers with an order, of whom ``inputs`` int16[N, features] are known."""
    return Histories(*histories(inputs))
