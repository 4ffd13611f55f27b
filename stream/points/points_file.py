"""How customers earn points, and their tiers: the points file. All mistakes are told at once, with their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from msgspec import Meta, Struct

from stream.catalogue.events import EVENT_NAMES, EventType
from stream.checked_yaml import converted, no_such, read_mapping, read_text
from stream.errors import SettingsError

__all__ = ["RATE_SCALE", "BonusDays", "Earning", "EventEarning", "PointsRules", "PointsTier", "load", "parse"]

#: Rates are in thousandths of a point for a unit of money.
RATE_SCALE: Final = 1000

#: Types of events that earn points beside orders.
_EARNING: Final = (EventType.FEEDBACK, EventType.INTERACTION)

Rate = Annotated[float, Meta(ge=0.0, le=10_000.0)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS: Final = get_args(Weekday)


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file. A key that means nothing is an error: it was meant to be another."""


class EventEarning(_Part, frozen=True, kw_only=True):
    """``points`` for an event, at most ``times`` in any ``days``, the first ones."""

    points: Annotated[int, Meta(ge=1, le=1_000_000)]
    times: Annotated[int, Meta(ge=1, le=1000)] = 1
    days: Annotated[int, Meta(ge=1, le=3660)] = 1


class Earning(_Part, frozen=True, kw_only=True):
    """Points for a unit of money: ``rate``, and that of ``categories`` of items. ``per_order``: for each.

    ``events``: what customers say and do elsewhere, by the kinds of the catalogue, such as ``interaction_referred``.
    """

    rate: Rate = 1.0
    categories: Mapping[str, Rate] = {}
    per_order: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    events: Mapping[str, EventEarning] = {}

    def thousandths(self, category: str) -> int:
        """The rate of a category, "" for none, in 1/`RATE_SCALE`."""
        return round(self.categories.get(category, self.rate) * RATE_SCALE)


class BonusDays(_Part, frozen=True, kw_only=True):
    """Orders of these days earn ``factor`` times as much: of ``weekdays``, of the days ``since`` to ``until``, or of
    such weekdays within such days.
    """

    factor: Annotated[int, Meta(ge=2, le=100)]
    weekdays: Sequence[Weekday] = ()
    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a day is one of them.

        >>> BonusDays(factor=2, weekdays=("friday",)).holds(date(2026, 1, 2))
        True
        """
        is_within = (self.since is None or day >= self.since) and (self.until is None or day <= self.until)
        return is_within and (not self.weekdays or _WEEKDAYS[day.weekday()] in self.weekdays)


class PointsTier(_Part, frozen=True, kw_only=True):
    """Customers who earned ``points`` or more lately are of it. ``benefits`` are told to people."""

    name: Annotated[str, Meta(min_length=1, max_length=50)]
    points: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    benefits: Annotated[str, Meta(max_length=500)] = ""


class PointsRules(_Part, frozen=True, kw_only=True):
    """The whole file. Points are lost ``expire_days`` or ``expire_months`` after they were earned, by neither never.

    ``tiers``: by what was earned in ``tier_days``, the lowest first.
    """

    earn: Earning = Earning()
    bonus_days: Sequence[BonusDays] = ()
    expire_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    expire_months: Annotated[int, Meta(ge=1, le=1200)] | None = None
    tiers: Sequence[PointsTier] = ()
    tier_days: Annotated[int, Meta(ge=1, le=3660)] = 365

    def factor(self, day: date) -> int:
        """The largest factor of a day; bonuses do not multiply."""
        return max((bonus.factor for bonus in self.bonus_days if bonus.holds(day)), default=1)


def load(path: str | Path) -> PointsRules:
    """Read the points file. Raises `SettingsError` that lists all that is wrong with it."""
    return parse(read_text(path, "the points file"), source=str(path))


def parse(text: str, *, source: str) -> PointsRules:
    """What ``text`` (YAML) means. Raises `SettingsError`."""
    raw: dict[Any, Any] = read_mapping(text, source=source, expected="earn, bonus_days, expire_days and tiers")
    problems: list[str] = []
    rules: PointsRules | None = converted(raw, PointsRules, "", problems.append)
    if rules is not None:
        problems += _contradictions(rules)
    if rules is None or problems:
        raise SettingsError("\n".join(f"{source}: {problem}" for problem in problems))
    return rules


def _contradictions(rules: PointsRules) -> Iterator[str]:
    if rules.expire_days is not None and rules.expire_months is not None:
        yield "expire_days and expire_months: expected one of them"
    for number, bonus in enumerate(rules.bonus_days):
        if not (bonus.weekdays or bonus.since or bonus.until):
            yield f"bonus_days: {number}: expected weekdays, since or until: else all days have a bonus"
        if bonus.since and bonus.until and bonus.since > bonus.until:
            yield f"bonus_days: {number}: since {bonus.since} is after until {bonus.until}"
    kinds = {name.kind: name for name in EVENT_NAMES.values() if name.type in _EARNING}
    for kind in rules.earn.events:
        if kind not in kinds:
            yield f"earn.events: {no_such('kind of event that earns points', kind, kinds)}"
    levels = [tier.points for tier in rules.tiers]
    if levels != sorted({*levels}):
        yield f"tiers: expected rising points, got {', '.join(map(str, levels))}"
