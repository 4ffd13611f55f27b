"""The stages of one customer by stepping through time, straight from the rules, without regard to speed."""

from collections.abc import Sequence
from typing import NamedTuple

from stream.events.kinds import EventKind
from tests.oracle.event import Arrival, Event, survivors
from tests.oracle.habit import Habit, habit_of

__all__ = ["Move", "stages_of"]

_DAY = 86_400_000
_BY_SILENCE = ("due", "at_risk", "lapsed", "lost")


class Move(NamedTuple):
    """A customer came from a stage (None: none yet) into another at ``at`` (ms)."""

    before: str | None
    to: str
    cause: str
    at: int


def stages_of(arrived: Sequence[Arrival], horizon: int, until: int) -> list[Move]:
    """Every change of stage at times before ``until`` (ms)."""
    walk = _StageWalk(horizon)
    for arrival in arrived:
        walk.be_silent(arrival.seen_at)
        walk.hear(arrival)
    walk.be_silent(until)
    return walk.moves


class _StageWalk:
    def __init__(self, horizon: int) -> None:
        self.moves: list[Move] = []
        self._horizon = horizon
        self._events: list[Event] = []
        self._stage: str | None = None
        self._is_won_back = False

    def hear(self, arrival: Arrival) -> None:
        before, habit_before = self._orders(), habit_of(self._events)
        self._events.append(arrival.event)
        after = self._orders()
        if _day(after) != _day(before):
            came_later = bool(before and after) and max(after) > max(before)
            self._is_won_back = came_later and max(after) >= self._times(habit_before)[3]
        has_changed = _known(after) != _known(before)
        found = self._stage_at(arrival.seen_at)
        later = found in _BY_SILENCE and _place(found) > _place(self._stage)
        if self._stage is None or has_changed or later:
            is_order = bool(after) and (not before or max(after) > max(before))
            if is_order:
                cause = "order"
            elif has_changed:
                cause = "correction"
            else:
                cause = "event" if found == "lead" else "silence"
            self._move(found, cause, arrival.seen_at)

    def be_silent(self, until: int) -> None:
        if not self._orders():
            return
        for stage, at in zip(_BY_SILENCE, self._times(habit_of(self._events)), strict=True):
            if at < until and _place(stage) > _place(self._stage):
                # of several that begin at a time only the last is one
                self._move(self._stage_at(at), "silence", at)

    def _move(self, stage: str, cause: str, at: int) -> None:
        if stage != self._stage:
            self.moves.append(Move(self._stage, stage, cause, at))
            self._stage = stage

    def _orders(self) -> list[int]:
        return [event.at for event in survivors(self._events) if event.kind is EventKind.ORDER_COMPLETED]

    def _times(self, habit: Habit | None) -> list[int]:
        assert habit is not None
        # the oracle's habit is found by halving: it misses a whole number by less than this
        days = round(habit.usual, 8)
        lost = max(int(3 * days * _DAY), self._horizon) + 1
        at_risk = min(max(int(1.5 * days * _DAY), 7 * _DAY), lost)
        lapsed = min(max(int(2 * days * _DAY), 14 * _DAY), lost)
        return [habit.last + after for after in (int(days * _DAY), at_risk, lapsed, lost)]

    def _stage_at(self, at: int) -> str:
        orders = self._orders()
        if not orders:
            return "lead"
        passed = [
            stage
            for stage, begins in zip(_BY_SILENCE, self._times(habit_of(self._events)), strict=True)
            if begins <= at
        ]
        if passed:
            return passed[-1]
        if self._is_won_back:
            return "won_back"
        return "new" if len({order // _DAY for order in orders}) == 1 else "active"


def _place(stage: str | None) -> int:
    return _BY_SILENCE.index(stage) if stage in _BY_SILENCE else -1


def _day(orders: Sequence[int]) -> int | None:
    return max(orders) // _DAY if orders else None


def _known(orders: Sequence[int]) -> tuple[int, int, int, int]:
    """How many orders, on how many days, the first and the last."""
    if not orders:
        return 0, 0, 0, 0
    return len(orders), len({order // _DAY for order in orders}), min(orders), max(orders)
