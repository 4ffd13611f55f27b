"""One channel: what waits for it, whether it may send now, and how it recovers from failures."""

import logging
from collections.abc import Sequence
from math import ceil
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from stream.errors import StorageError
from stream.notifications.backoff import backoff_ms
from stream.notifications.config import MINUTE_MS, DeliveryChannel
from stream.notifications.courier import Courier, Parcel
from stream.notifications.templates import Message, Templates
from stream.notifications.waiting_line import Delivery, WaitingLine, urgency
from stream.notifications.wall_time import is_quiet, local_day, opened_share
from stream.storage.notification_store import NotificationStore

__all__ = ["Lane", "allowance"]

_LOG = logging.getLogger(__name__)

#: A full budget is looked at again after so long: it opens with the time of day.
_BUDGET_RETRY_MS: Final = MINUTE_MS


def allowance(per_day: int, opened: float) -> int:
    """How many of `per_day` messages may have been sent when the share `opened` of the day's open time has begun.

    So the first alerts of the day cannot spend it all, and a valuable one in the evening still finds room.
    """
    return min(ceil(per_day * opened), per_day)


class Lane:
    """The deliveries of one channel. Time is an argument, in ms since the epoch."""

    def __init__(self, name: str, channel: DeliveryChannel, zone: ZoneInfo, courier: Courier, random: Random) -> None:
        self.name = name
        self.channel = channel
        self.line = WaitingLine()
        self._zone = zone
        self._quiet = channel.quiet
        self._schedule = channel.schedule(zone)
        self._courier = courier
        self._random = random
        self._failures = 0
        self._closed_until_ms = 0
        self.carried: Parcel | None = None

    @property
    def digest(self) -> bool:
        return self.channel.digest is not None

    def put(self, delivery: Delivery) -> None:
        """Let a new delivery wait for the next instant of the schedule."""
        self.line.put(delivery, self._schedule.first(delivery.arrived_ms))

    def is_open(self, now_ms: int) -> bool:
        """Whether a message may be sent now, as far as this process knows."""
        return (
            self.carried is None and now_ms >= self._closed_until_ms and not is_quiet(self._quiet, self._zone, now_ms)
        )

    def pick(self, now_ms: int) -> list[Delivery]:
        """Take what goes into the next message: one alert, or those of a digest, the most valuable first."""
        most = self.channel.digest.most if self.channel.digest is not None else 1
        picked: list[Delivery] = []
        while len(picked) < most and (delivery := self.line.take(now_ms)) is not None:
            picked.append(delivery)
        if len(picked) == most and self.digest:
            self._postpone_rest(now_ms)
        return picked

    def _postpone_rest(self, now_ms: int) -> None:
        """What there was no room for waits for the next digest."""
        following_ms = self._schedule.first(now_ms + 1)
        rest = []
        while (delivery := self.line.take(now_ms)) is not None:
            rest.append(delivery)
        for delivery in rest:
            self.line.put(delivery, following_ms)

    def has_room(self, store: NotificationStore, now_ms: int) -> bool:
        """Count a message against rate and budget; if there is no room, the lane closes until there may be."""
        rate, budget = self.channel.rate, self.channel.budget
        if rate is None and budget is None:
            return True
        open_now = None if budget is None else allowance(budget.per_day, opened_share(self._quiet, self._zone, now_ms))
        interval_ms, burst_ms = (0, 0) if rate is None else (rate.interval_ms, rate.burst_ms)
        room = store.take_room(self.name, self._day(now_ms), open_now, interval_ms, burst_ms, now_ms)
        if not room.is_free:
            self._closed_until_ms = max(room.again_ms, now_ms + 1) if room.again_ms else now_ms + _BUDGET_RETRY_MS
        return room.is_free

    def return_room(self, store: NotificationStore, now_ms: int) -> None:
        """Give back a message that was counted and not sent. While Redis fails the day's budget is one less."""
        if self.channel.budget is None:
            return
        try:
            store.return_room(self.name, self._day(now_ms))
        except StorageError as error:
            # to stop here would lose what else was decided
            _LOG.warning("channel %s: the budget keeps a message that was not sent: %s", self.name, error)

    def worded(self, templates: Templates, deliveries: Sequence[Delivery], now_ms: int) -> Message:
        """The message for ``deliveries``. Raises whatever an expression of a template raises.

        Raises `StorageError` when the keys of persons are away; the deliveries are put back then.
        """
        try:
            if self.channel.digest is None:
                return templates.single(deliveries[0].route.template, self.name, deliveries[0].alert)
            alerts = [delivery.alert for delivery in deliveries]
            alerts.sort(key=urgency)
            return templates.digest(self.channel.digest.template, self.name, alerts, len(self.line))
        except StorageError:
            self.put_back(deliveries, now_ms)
            raise

    def put_back(self, deliveries: Sequence[Delivery], now_ms: int) -> None:
        """What could not leave now is ready again at once."""
        for delivery in deliveries:
            self.line.put(delivery, now_ms)

    def carry(self, parcel: Parcel) -> None:
        """Hand a message to the courier; until `delivered` or `failed` nothing else leaves."""
        self.carried = parcel
        self._courier.carry(parcel)

    def delivered(self) -> None:
        """The courier came back without the parcel."""
        self.carried = None
        self._failures = 0

    def failed(self, parcel: Parcel, now_ms: int, *, is_permanent: bool, again_after_s: float = 0.0) -> list[Delivery]:
        """The courier brought the parcel back; return the deliveries that are given up, the others wait again.

        After a failure that may be the address's, the whole channel waits, longer after each in a row, and at least
        ``again_after_s``.
        """
        self.carried = None
        for delivery in parcel.deliveries:
            delivery.attempts += 1
        if is_permanent:
            return [*parcel.deliveries]
        self._failures += 1
        retries = self.channel.retries
        wait_ms = backoff_ms(self._failures, retries.first_s, retries.longest_s, self._random)
        wait_ms = max(wait_ms, round(again_after_s * 1000))
        self._closed_until_ms = now_ms + wait_ms
        # one time for all of a digest, or it would come back in pieces
        max_attempts = max(delivery.attempts for delivery in parcel.deliveries)
        own_ms = backoff_ms(max_attempts, retries.first_s, retries.longest_s, self._random)
        given_up = []
        for delivery in parcel.deliveries:
            if delivery.attempts >= retries.attempts:
                given_up.append(delivery)
            else:
                self.line.put(delivery, now_ms + max(own_ms, wait_ms))
        return given_up

    def expired(self, now_ms: int) -> list[Delivery]:
        """Take out what has waited for too long."""
        limit_ms = now_ms - self.channel.expire_ms
        found = [delivery for delivery in self.line if delivery.since_ms < limit_ms]
        for delivery in found:
            self.line.remove(delivery)
        return found

    def _day(self, now_ms: int) -> str:
        return local_day(self._zone, now_ms).isoformat()
