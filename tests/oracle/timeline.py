"""Landmarks, labels and alerts of one customer, by stepping through time without shortcuts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import xxhash

from stream.events.kinds import EventKind
from tests.oracle.event import Arrival, Event, survivors
from tests.oracle.features import features_at
from tests.oracle.habit import Habit, habit_of, stake_of
from tests.oracle.model import Linear, inputs_of

__all__ = ["Alarm", "Outcome", "Policy", "Timeline", "timeline"]

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_INTEREST = frozenset(
    {
        *(kind for kind in EventKind if kind <= EventKind.PAGE_VIEWED),
        EventKind.EMAIL_OPENED,
        EventKind.EMAIL_CLICKED,
        EventKind.EMAIL_REPLIED,
    }
)
_SAYS_SO = frozenset({EventKind.EMAIL_COMPLAINED, EventKind.EMAIL_UNSUBSCRIBED})
_LEAVING = _SAYS_SO | {EventKind.ORDER_REFUNDED, EventKind.ORDER_CANCELLED}
#: From coarse to fine; the risk of a silent customer must not fall for this to find the first crossing.
_GRIDS = (_DAY, _HOUR, _MINUTE, _SECOND, 40, 1)


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in ms. ``per_week`` over 0: alerts are raised by what is at stake, from ``stake_level`` on."""

    horizon: int = 28 * _DAY
    #: Later horizons: from which landmark on, and how long.
    later: tuple[tuple[int, int], ...] = ()
    period: int = 7 * _DAY
    silence_bound: int = 6 * 28 * _DAY
    raise_at: float = 0.7
    clear_at: float = 0.5
    cooldown: int = 7 * _DAY
    min_orders: int = 2
    overdue_at: float = 0.0
    per_week: float = 0.0
    stake_level: float = 0.0

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
    """The results of one customer. ``landmarks``: time and model inputs. ``winbacks``: times of these alerts.

    ``overdue``: when the silence was looked at because it had become long enough.
    """

    landmarks: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    labels: list[Outcome] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    winbacks: list[int] = field(default_factory=list)
    overdue: list[int] = field(default_factory=list)


def timeline(customer: str, arrived: Sequence[Arrival], policy: Policy, model: Linear | None, until: int) -> Timeline:
    """Everything that happens to ``customer`` at times before ``until`` (ms). No model: no alarms."""
    walk = _TimelineWalk(customer, policy, model)
    for arrival in arrived:
        walk.timers(arrival.seen_at)
        walk.apply(arrival)
    walk.timers(until)
    return walk.found


class _TimelineWalk:
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
        habit = habit_of(self._events)
        looks = [event.at for event in self._events if event.kind in _INTEREST]
        self._events.append(arrival.event)
        if self._landmark is None:
            self._landmark = self._first_on_grid_after(arrival.seen_at)
        kind = arrival.event.kind
        since = None
        if kind in _LEAVING:
            since = "due" if kind in _SAYS_SO else "overdue"
        self._look(arrival.seen_at, "event", since)
        if self._model is not None and habit is not None and kind in _INTEREST:
            lost = habit.last + max(int(3 * habit.usual * _DAY), self._policy.horizon)
            if arrival.event.at > lost and all(at <= lost for at in looks):
                self.found.winbacks.append(arrival.seen_at)

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
                self._look(at, "silence", "overdue")
                if self._policy.per_week:
                    self.found.overdue.append(at)

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
        self._look(at, "silence", "overdue")

    def _risk(self, at: int) -> float:
        assert self._model is not None
        return self._model.risk(features_at(self._events, at))

    def _look(self, at: int, cause: str, since: str | None) -> None:
        """``since``: from when an alert may be raised; None: not at all."""
        if self._model is not None:
            self._decide(at, cause, since)
        self._crossing = self._next_crossing(at)

    def _decide(self, at: int, cause: str, since: str | None) -> None:
        habit = habit_of(self._events)
        if self._raised:
            ordered = habit is None or at < habit.last + int(habit.usual * _DAY)
            if ordered or (not self._policy.per_week and self._risk(at) < self._policy.clear_at):
                self._raised = False
                self.found.alarms.append(Alarm(raised=False, at=at, cause=cause))
        elif since is not None and habit is not None and self._may_raise(at, habit, since):
            self._raised = True
            self._quiet_until = at + self._policy.cooldown
            self.found.alarms.append(Alarm(raised=True, at=at, cause=cause))

    def _window(self, habit: Habit) -> tuple[int, int] | None:
        """From when on, and until when, the silence may raise an alert."""
        if habit.days < self._policy.min_orders:
            return None
        lapsed = int(3 * habit.usual * _DAY)
        end = lapsed if self._policy.per_week else max(lapsed, self._policy.horizon)
        return habit.last + int(self._policy.overdue_at * habit.usual * _DAY), habit.last + end

    def _may_raise(self, at: int, habit: Habit, since: str) -> bool:
        window = self._window(habit)
        if window is None or at < self._quiet_until:
            return False
        first = min(window[0], habit.last + int(habit.usual * _DAY)) if since == "due" else window[0]
        return first <= at < window[1] and self._is_enough(max(at, window[0]), self._risk(at), habit)

    def _is_enough(self, at: int, risk: float, habit: Habit) -> bool:
        if not self._policy.per_week:
            return risk >= self._policy.raise_at
        stake = stake_of(habit, at, risk)
        return stake > 0.0 and stake >= self._policy.stake_level

    def _next_crossing(self, after: int) -> int | None:
        """When the silence is looked at next, or the first millisecond at which the risk is at the level."""
        habit = habit_of(self._events)
        window = None if habit is None else self._window(habit)
        if self._raised or self._landmark is None or window is None:
            return None
        begin = max(window[0], self._quiet_until)
        if self._policy.per_week:
            return begin if after < begin < window[1] else None
        return self._first_at_level(max(after + 1, begin), min(self._landmark, window[1] - 1))

    def _first_at_level(self, start: int, end: int) -> int | None:
        """The first millisecond from ``start`` to ``end`` at which the risk is at the level."""
        if self._model is None or start > end:
            return None
        if self._risk(start) >= self._policy.raise_at:
            return start
        for grid in _GRIDS:
            at = start
            while at < end and self._risk(at) < self._policy.raise_at:
                at += grid
            if at >= end and self._risk(end) < self._policy.raise_at:
                return None
            start, end = max(start, at - grid), min(end, at)
        return end
