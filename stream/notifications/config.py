"""What the notification file says, as immutable values. `stream.notifications.config_file` reads the file."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from stream.alerts.action_records import ActionKind
from stream.alerts.alert_records import AlertKind, Cause
from stream.consent.purposes import ContactChannel, Purpose
from stream.notifications.wall_time import DAY_MINUTES, WEEKDAYS, DayPeriod, Schedule

__all__ = [
    "MINUTE_MS",
    "AskedConsent",
    "Budget",
    "Config",
    "DeliveryChannel",
    "Digest",
    "HoldOut",
    "Match",
    "QuietHours",
    "Rate",
    "Retries",
    "Rule",
    "Template",
]

MINUTE_MS = 60_000

Share = Annotated[float, Meta(ge=0.0, lt=1.0)]
Days = Annotated[float, Meta(ge=0.0, le=3650.0)]
Minutes = Annotated[int, Meta(ge=0, le=7 * DAY_MINUTES)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
ClockTime = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
EndTime = Annotated[str, Meta(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file. A key that means nothing is an error: it was meant to be another."""


class HoldOut(_Part, frozen=True, kw_only=True):
    """The ``share`` of customers that is not notified; ``salt`` draws them."""

    share: Share = 0.0
    salt: str = ""


class QuietHours(_Part, frozen=True, kw_only=True):
    """No messages from ``from`` to before ``to``, on the ``days`` (all, if none are named) on which that begins."""

    start: ClockTime = msgspec.field(name="from", default="00:00")
    end: EndTime = msgspec.field(name="to", default="24:00")
    days: Sequence[Weekday] = ()

    @property
    def period(self) -> DayPeriod:
        """The same in minutes of the day."""
        days = frozenset(WEEKDAYS.index(day) for day in self.days) or frozenset(range(7))
        return DayPeriod(_minute(self.start), _minute(self.end), days)


class Digest(_Part, frozen=True, kw_only=True):
    """One message for many alerts, ``every_minutes`` or ``at`` local times; at most ``most`` alerts in one."""

    template: str
    every_minutes: Annotated[int, Meta(ge=1, le=DAY_MINUTES)] | UnsetType = UNSET
    at: Sequence[ClockTime] = ()
    most: Annotated[int, Meta(ge=1, le=1000)] = 100


class Rate(_Part, frozen=True, kw_only=True):
    """At most so many ``messages`` in any ``per_minutes``, roughly: a burst refills steadily."""

    messages: Count
    per_minutes: Annotated[float, Meta(gt=0.0, le=DAY_MINUTES)] = 1.0

    @property
    def interval_ms(self) -> int:
        """Time in which one message is refilled."""
        return max(round(self.per_minutes * MINUTE_MS / self.messages), 1)

    @property
    def burst_ms(self) -> int:
        """How far ahead of the steady rate a burst may run."""
        return self.interval_ms * (self.messages - 1)


class Budget(_Part, frozen=True, kw_only=True):
    """At most so many messages a local day."""

    per_day: Count


class Retries(_Part, frozen=True, kw_only=True):
    """A delivery is tried so often before it is a dead letter; waits grow from ``first_s`` to ``longest_s``."""

    attempts: Annotated[int, Meta(ge=1, le=1000)] = 12
    first_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 1.0
    longest_s: Annotated[float, Meta(gt=0.0, le=86_400.0)] = 300.0


class AskedConsent(_Part, frozen=True, kw_only=True):
    """What a customer must agree to; ``channel``: by which they are contacted, none for all."""

    purpose: Purpose
    channel: ContactChannel | None = None


class DeliveryChannel(_Part, frozen=True, kw_only=True):
    """One address, and when and how much it wants to hear.

    ``url``: of Apprise. ``collect_minutes``: alerts are collected so long, then leave in order of value at risk.
    ``expire_hours``: older alerts are not sent, by the time at which they occurred. ``timeout_s``: a delivery takes no
    longer. ``hold_out``: false for a channel that is no retention action, such as a log. ``consent``: of a channel
    whose messages reach the customers themselves.
    """

    url: Annotated[str, Meta(min_length=1)]
    format: Literal["text", "markdown", "html"] = "text"
    digest: Digest | None = None
    collect_minutes: Minutes = 0
    quiet_hours: Sequence[QuietHours] = ()
    time_zone: str | None = None
    rate: Rate | None = None
    budget: Budget | None = None
    retries: Retries = Retries()
    expire_hours: Annotated[float, Meta(gt=0.0, le=24 * 365)] = 72.0
    timeout_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 60.0
    hold_out: bool = True
    consent: AskedConsent | None = None

    @property
    def quiet(self) -> tuple[DayPeriod, ...]:
        """The quiet hours in minutes of the day."""
        return tuple(hours.period for hours in self.quiet_hours)

    @property
    def expire_ms(self) -> int:
        return round(self.expire_hours * 60 * MINUTE_MS)

    def schedule(self, zone: ZoneInfo) -> Schedule:
        """When alerts may leave."""
        if self.digest is None:
            return Schedule(zone, every_minutes=self.collect_minutes)
        if isinstance(self.digest.every_minutes, int):
            return Schedule(zone, every_minutes=self.digest.every_minutes)
        return Schedule(zone, at_minutes=tuple(map(_minute, self.digest.at)))


class Template(_Part, frozen=True, kw_only=True):
    """Jinja2 texts; that of a digest sees ``alerts`` and ``waiting``, any other ``alert``."""

    title: str
    body: Annotated[str, Meta(min_length=1)]


class Match(_Part, frozen=True, kw_only=True):
    """Conditions that must all hold; one that is left out holds."""

    kind: Sequence[AlertKind] = ()
    cause: Sequence[Cause] = ()
    segment: Sequence[str] = ()
    risk_at_least: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    value_at_least: Annotated[float, Meta(ge=0.0)] | None = None


class Rule(_Part, frozen=True, kw_only=True):
    """Matching alerts go to the channels; without channels no one is notified."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    match: Match = Match()
    channels: Sequence[str]
    template: str = "alert"


class Config(_Part, frozen=True, kw_only=True):
    """The whole file. ``actions``: days without raised alerts of a customer after an action of the kind."""

    time_zone: str = "UTC"
    apply: Literal["first", "all"] = "first"
    hold_out: HoldOut = HoldOut()
    actions: Mapping[ActionKind, Days] = {}
    channels: Mapping[str, DeliveryChannel]
    templates: Mapping[str, Template]
    rules: Sequence[Rule]

    def zone(self, channel: str) -> ZoneInfo:
        """The time zone of a channel."""
        return ZoneInfo(self.channels[channel].time_zone or self.time_zone)


def _minute(clock_time: str) -> int:
    """Minutes since midnight of HH:MM."""
    return int(clock_time[:2]) * 60 + int(clock_time[3:])
