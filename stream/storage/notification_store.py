"""What the notifier must remember across restarts. Everything here expires.

Each key belongs to one alert, one customer or one channel, and no command touches two of them, except for the room of a
channel, whose keys share a hash tag; so the keys spread over a Redis Cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.desk import Desk
from stream.storage.scripts import script

__all__ = ["NotificationStore", "Room", "StoredCustomer"]

_TIMEOUT_S = 10.0
#: Longer than brokers keep alerts by default, so that no alert that is read again is sent again.
_OUTCOME_TTL_S = 30 * 86_400
_BUDGET_TTL_S = 3 * 86_400
#: Before the kind of an action, in a field that says when it was done.
_AT = b"at:"


@dataclass(frozen=True, slots=True)
class StoredCustomer:
    """What is stored about a customer. ``actions``: kind -> encoded record, the latest of each kind.

    ``acted_ms``: when each of them was done. ``is_told``: whether a risk of theirs was told lately, and
    ``is_told_as_other``: whether under another id of the person (`stream.storage.person_ids`).
    """

    actions: Mapping[str, bytes]
    held_out: bool
    acted_ms: Mapping[str, int] = field(default_factory=dict)
    is_told: bool = False
    is_told_as_other: bool = False


class Room(NamedTuple):
    """Whether a channel may send now. If not: ``limit`` (rate or budget) and when to ask again (ms)."""

    limit: str
    again_ms: int

    @property
    def is_free(self) -> bool:
        return not self.limit


class NotificationStore(Desk):
    """Reads and writes under the namespace of ``settings``. Every method raises `StorageError` when Redis fails."""

    unanswered: ClassVar = "Redis does not answer"

    def __init__(self, settings: Settings) -> None:
        # counting a message twice would cost the channel one, so nothing is sent again here
        super().__init__(connect_or_explain(settings, timeout_s=_TIMEOUT_S, retries=0))
        self._prefix = f"{settings.namespace}:notify"
        self._take_script = self._client.register_script(script("tried.lua") + script("take_room.lua"))
        self._action_script = self._client.register_script(script("tried.lua") + script("record_action.lua"))

    def outcomes(self, alert_ids: Sequence[str]) -> list[dict[str, str]]:
        """Channel -> outcome for each alert; the channel of an alert that none heard of is empty."""
        found = self._pipelined([("HGETALL", self._alert(alert_id)) for alert_id in alert_ids])
        return [{channel.decode(): outcome.decode() for channel, outcome in _pairs(of_one)} for of_one in found]

    def mark(self, outcomes: Sequence[tuple[str, str, str]]) -> None:
        """Remember (alert id, channel, outcome)."""
        commands: list[tuple[Any, ...]] = []
        for alert_id, channel, outcome in outcomes:
            commands.append(("HSET", self._alert(alert_id), channel, outcome))
            commands.append(("EXPIRE", self._alert(alert_id), _OUTCOME_TTL_S))
        self._pipelined(commands)

    def known(self, customer_ids: Sequence[str]) -> list[StoredCustomer]:
        """What is stored about each customer."""
        commands: list[tuple[Any, ...]] = []
        for customer_id in customer_ids:
            commands.append(("HGETALL", self._actions(customer_id)))
            commands.append(("EXISTS", self._held_out(customer_id)))
            commands.append(("EXISTS", self._told(customer_id)))
        answers = self._pipelined(commands)
        found = []
        for actions, held_out, told in zip(answers[::3], answers[1::3], answers[2::3], strict=True):
            fields = dict(_pairs(actions))
            latest = {name.decode(): record for name, record in fields.items() if not name.startswith(_AT)}
            acted_ms = {name[len(_AT) :].decode(): int(at) for name, at in fields.items() if name.startswith(_AT)}
            found.append(StoredCustomer(latest, bool(held_out), acted_ms, bool(told)))
        return found

    def forget(self, customer_ids: Sequence[str]) -> None:
        """Delete what is stored about customers."""
        keys = [key for one in customer_ids for key in (self._actions(one), self._held_out(one), self._told(one))]
        # to expire at once is to be deleted, by a right that the notifier has
        self._pipelined([("EXPIRE", key, 0) for key in keys])

    def hold_out(self, customer_id: str, alert_id: str, ttl_s: int) -> None:
        """Mark a customer as held out, from the first alert that was not sent for it."""
        self._pipelined([("SET", self._held_out(customer_id), alert_id, "EX", max(ttl_s, 1), "NX")])

    def note_told(self, customers: Sequence[tuple[str, int]]) -> None:
        """Remember that a risk of these customers was told, each for so long (s)."""
        self._pipelined([("SET", self._told(one), "1", "EX", max(ttl_s, 1)) for one, ttl_s in customers])

    def record_action(self, customer_id: str, kind: str, at_ms: int, record: bytes, ttl_s: int) -> bool:
        """Keep an action if it is newer than the latest of its kind; return whether it is."""
        try:
            kept = self._action_script(keys=[self._actions(customer_id)], args=[kind, at_ms, record, ttl_s])
        except FAILURES as error:
            raise StorageError(f"an action cannot be stored in Redis: {explained(error)}") from error
        return bool(kept)

    def take_room(
        self, channel: str, day: str, allowance: int | None, interval_ms: int, burst_ms: int, now_ms: int
    ) -> Room:
        """Count one message of ``channel``, if its rate and what of its daily budget is open (None: no budget) allow.

        The rate is the generic cell rate algorithm (ITU-T I.371, annex A.1): one message every ``interval_ms`` (0: no
        limit), up to ``burst_ms`` ahead of that.
        """
        try:
            limit, again_ms = self._take_script(
                keys=[self._budget(channel, day), self._rate(channel)],
                args=[-1 if allowance is None else allowance, now_ms, interval_ms, burst_ms, _BUDGET_TTL_S],
            )
        except FAILURES as error:
            raise StorageError(f"the room of a channel cannot be read from Redis: {explained(error)}") from error
        return Room(limit.decode(), int(again_ms))

    def return_room(self, channel: str, day: str) -> None:
        """Give a message of the daily budget back: it was not sent. What it cost of the rate stays."""
        self._pipelined([("DECR", self._budget(channel, day)), ("EXPIRE", self._budget(channel, day), _BUDGET_TTL_S)])

    def _alert(self, alert_id: str) -> str:
        return f"{self._prefix}:alert:{alert_id}"

    def _actions(self, customer_id: str) -> str:
        return f"{self._prefix}:actions:{customer_id}"

    def _held_out(self, customer_id: str) -> str:
        return f"{self._prefix}:held-out:{customer_id}"

    def _told(self, customer_id: str) -> str:
        return f"{self._prefix}:told:{customer_id}"

    def _budget(self, channel: str, day: str) -> str:
        return f"{self._prefix}:{{{channel}}}:budget:{day}"

    def _rate(self, channel: str) -> str:
        return f"{self._prefix}:{{{channel}}}:rate"


def _pairs(fields: Any) -> list[tuple[bytes, bytes]]:
    """Field and value of a hash, as the client gives it: a mapping, or a flat list."""
    if isinstance(fields, dict):
        return [*fields.items()]
    return [*zip(fields[::2], fields[1::2], strict=True)]
