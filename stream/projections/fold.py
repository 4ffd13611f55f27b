"""The base of a projection that takes one message after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from stream.alerts.alert_records import Alert
from stream.catalogue.declaring import Retention
from stream.processing.state import Outgoing
from stream.projections.protocol import Description, Folded, Input, TakenOut

__all__ = ["Fold"]

S = TypeVar("S", bound=msgspec.Struct)


class Fold(Generic[S]):
    """A `Projection` of which only `fold_one` is its own: a state for each customer, and no timers.

    ``about``: one sentence that says what a state tells. ``why``: what states are kept for, in the register of
    processing; ``kept``: how long. ``key``: what a state is of. A key without a state begins with ``state()``.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    state: ClassVar[type[Any]]
    about: ClassVar[str]
    why: ClassVar[str] = ""
    kept: ClassVar[Retention] = Retention.NEWEST
    key: ClassVar[str] = "customer"
    home: ClassVar[str | None] = None
    is_timed: ClassVar[bool] = False
    inputs: Sequence[Input]

    def fold_one(self, state: S, message: Any, alerts: list[Alert]) -> S | None:
        """The state after a message, None to forget it; ``state`` may be changed. Alerts to publish are appended."""
        raise NotImplementedError

    def fold(self, states: Mapping[str, S], messages: Sequence[tuple[str, object]]) -> Folded:
        folded: dict[str, S | None] = dict(states)
        alerts: list[Alert] = []
        for key, message in messages:
            state = folded.get(key)
            if isinstance(message, TakenOut):
                folded[key] = None
                continue
            folded[key] = self.fold_one(self.state() if state is None else state, message, alerts)
        return Folded(folded, alerts=alerts)

    def timers(self, state: S) -> Mapping[str, int]:
        del state
        return {}

    def fire(self, key: str, state: S, timer: str) -> Sequence[Alert | Outgoing]:
        raise NotImplementedError

    def erase(self, customer_id: str) -> Iterable[str]:
        return (customer_id,)

    def erased_in(self, customer_id: str) -> Iterable[str] | None:
        return (self.home or customer_id,)

    def release(self, customer_id: str) -> Iterable[tuple[str, object]] | None:
        """Each projection says that itself; `taken_out` is the answer of one whose states are of one customer each."""
        raise NotImplementedError

    def taken_out(self, customer_id: str) -> Iterable[tuple[str, object]]:
        """For `release`: the states of a customer are forgotten, and follow from the events that come again."""
        return [(key, TakenOut(customer_id)) for key in self.erase(customer_id)]

    def describe(self) -> Description:
        topics = tuple(source.topic for source in self.inputs)
        return Description(self.name, self.version, self.about, self.key, topics, self.why, self.kept)
