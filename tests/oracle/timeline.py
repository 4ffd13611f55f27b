"""Landmarks, labels and alerts of one customer, by going through time and looking everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import xxhash

from stream.events.kinds import EventKind
from tests.oracle.event import Arrival, Event, survivors
from tests.oracle.features import features_at
from tests.oracle.model import Linear, inputs_of

__all__ = ["Alarm", "Outcome", "Policy", "Timeline", "timeline"]

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
#: From coarse to fine; the risk of a silent customer must not fall for this to find the first crossing.
_GRIDS = (_DAY, _HOUR, _MINUTE, _SECOND, 40, 1)


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in ms."""

    horizon: int = 28 * _DAY
    #: Later horizons: from which landmark on, and how long.
    later: tuple[tuple[int, int], ...] = ()
    period: int = 7 * _DAY
    silence_bound: int = 6 * 28 * _DAY
    raise_at: float = 0.7
    clear_at: float = 0.5
    cooldown: int = 7 * _DAY
    min_orders: int = 2

    def horizon_of(self, landmark: int) -> int:
        return max(((since, horizon) for since, horizon in self.later if since <= landmark), default=(0, self.horizon))[
            1
        ]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert: raised or cleared at stream time ``at``, because of an event or of silence."""

    raised: bool
    at: int
    cause: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A label: what became of the customer within the horizon after ``landmark``."""

    landmark: int
    churned: bool


@dataclass(slots=True)
class Timeline:
    """What a customer gives rise to. ``landmarks``: time and model inputs."""

    landmarks: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    labels: list[Outcome] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)


def timeline(customer: str, arrived: Sequence[Arrival], policy: Policy, model: Linear | None, until: int) -> Timeline:
    """Everything that happens to ``customer`` at times before ``until`` (ms). No model: no alarms."""
    walk = _Walk(customer, policy, model)
    for arrival in arrived:
        walk.timers(arrival.seen_at)
        walk.apply(arrival)
    walk.timers(until)
    return walk.found


class _Walk:
    def __init__(self, customer: str, policy: Policy, model: Linear | None) -> None:
        self.found = Timeline()
        self._phase = xxhash.xxh3_64_intdigest(customer.encode()) % policy.period
        self._policy = policy
        self._model = model
        self._events: list[Event] = []
        self._landmark: int | None = None
        self._immature: list[int] = []
        self._crossing: int | None = None
        self._raised = False
        self._quiet_until = 0

    def apply(self, arrival: Arrival) -> None:
        self._events.append(arrival.event)
        if self._landmark is None:
            self._landmark = self._first_on_grid_after(arrival.seen_at)
        self._look(arrival.seen_at, "event")

    def timers(self, until: int) -> None:
        """Fire what is due before ``until``; at the same time labels come before landmarks, these before silence."""
        while True:
            due = []
            if self._immature:
                due.append((min(map(self._matures, self._immature)), 0))
            if self._landmark is not None:
                due.append((self._landmark, 1))
            if self._crossing is not None:
                due.append((self._crossing, 2))
            at, what = min(due, default=(until, 0))
            if at >= until:
                return
            if what == 0:
                first = min(self._immature, key=self._matures)
                self._immature.remove(first)
                self._label(first)
            elif what == 1:
                self._reach_landmark(at)
            else:
                self._look(at, "silence")

    def _matures(self, landmark: int) -> int:
        return landmark + self._policy.horizon_of(landmark)

    def _first_on_grid_after(self, at: int) -> int:
        landmark = self._phase
        landmark += (at - landmark) // self._policy.period * self._policy.period
        while landmark <= at:
            landmark += self._policy.period
        return landmark

    def _orders(self) -> list[int]:
        return [event.at for event in survivors(self._events) if event.kind is EventKind.ORDER_COMPLETED]

    def _label(self, landmark: int) -> None:
        bought = any(landmark < at <= self._matures(landmark) for at in self._orders())
        self.found.labels.append(Outcome(landmark, churned=not bought))

    def _reach_landmark(self, at: int) -> None:
        last = max(event.at for event in self._events)
        following = at + self._policy.period
        self._landmark = following if following <= last + self._policy.silence_bound else None
        if self._orders():
            self.found.landmarks.append((at, inputs_of(features_at(self._events, at))))
            self._immature.append(at)
        self._look(at, "silence")

    def _risk(self, at: int) -> float:
        assert self._model is not None
        return self._model.risk(features_at(self._events, at))

    def _look(self, at: int, cause: str) -> None:
        if self._model is None:
            return
        risk = self._risk(at)
        if self._raised and risk < self._policy.clear_at:
            self._raised = False
            self.found.alarms.append(Alarm(raised=False, at=at, cause=cause))
        elif not self._raised and risk >= self._policy.raise_at and self._may_raise(at):
            self._raised = True
            self._quiet_until = at + self._policy.cooldown
            self.found.alarms.append(Alarm(raised=True, at=at, cause=cause))
        self._crossing = self._next_crossing(at)

    def _may_raise(self, at: int) -> bool:
        return at >= self._quiet_until and len(self._orders()) >= self._policy.min_orders

    def _next_crossing(self, after: int) -> int | None:
        """The first millisecond after ``after``, and not after the next landmark, at which silence raises an alert."""
        if self._raised or self._landmark is None or len(self._orders()) < self._policy.min_orders:
            return None
        start = max(after + 1, self._quiet_until)
        end = self._landmark
        if start <= end and self._risk(start) >= self._policy.raise_at:
            return start
        for grid in _GRIDS:
            at = start
            while at < end and self._risk(at) < self._policy.raise_at:
                at += grid
            if at >= end and self._risk(end) < self._policy.raise_at:
                return None
            start, end = max(start, at - grid), min(end, at)
        return end
