"""How many customers came from each stage into each, in all and day by day: so how many are in each stage now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, cast

import msgspec

from stream.alerts.alert_records import StageChange
from stream.features.stages import STAGE_NAMES
from stream.projections.fold import Fold
from stream.projections.protocol import Folded
from stream.projections.topic_inputs import JsonInput
from stream.settings import Settings

__all__ = ["ALL", "Flows", "StageFlows", "came_into", "customers_in", "day_key"]

#: The key of the state that counts all days.
ALL: Final = "/"
#: In place of a stage: there was none before.
_NOWHERE: Final = ""


class Flows(msgspec.Struct, omit_defaults=True):
    """Of a customer: the ``stage``, since ``at``, and the changes of that instant that were counted (``ids``).

    Of a day, or of all days: ``flows``, customers by ``from>to``; ``>to`` are those who came in.
    """

    stage: str = _NOWHERE
    at: str = ""
    ids: list[str] = msgspec.field(default_factory=list)
    flows: dict[str, int] = msgspec.field(default_factory=dict)


class StageFlows(Fold[Flows]):
    """Changes of stage, counted by day (UTC, of ``occurred_at``) and in all.

    A customer comes from the stage in which this projection has them, so that the counts add up whatever was lost
    upstream. A change that comes twice counts once: those of a customer come in the order of time, so one that is older
    than the newest, or among those of its instant, was counted.
    """

    name: ClassVar = "stages"
    state: ClassVar = Flows
    about: ClassVar = "How many customers came from each stage into each, by day and in all."
    why: ClassVar = "to count how customers come and go"
    key: ClassVar = "customer, and day"

    def __init__(self, settings: Settings) -> None:
        self.inputs = (JsonInput(settings.stages, StageChange, lambda change: _customer_key(change.customer_id)),)

    def release(self, customer_id: str) -> None:
        """Changes of stage are not sent again: the core tells of those of the other customer.

        Who is another one now stays in their last stage here, for the core tells of no change when they go.
        """

    def reach(self, states: Mapping[str, Flows], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """All days, and those of the messages."""
        del states
        return (ALL, *(day_key(cast("StageChange", change).occurred_at) for _, change in messages))

    def fold(self, states: Mapping[str, Flows], messages: Sequence[tuple[str, object]]) -> Folded:
        folded = dict(states)
        for key, message in messages:
            change = cast("StageChange", message)
            customer = folded.setdefault(key, Flows())
            # what tells it from others of the same customer and millisecond: the stage, and the event
            identity = change.change_id.rpartition("@")[2]
            if change.occurred_at < customer.at or (change.occurred_at == customer.at and identity in customer.ids):
                continue
            if change.occurred_at > customer.at:
                customer.at, customer.ids = change.occurred_at, []
            customer.ids.append(identity)
            if customer.stage != change.stage_to:
                flow = f"{customer.stage}>{change.stage_to}"
                for counted in (ALL, day_key(change.occurred_at)):
                    flows = folded.setdefault(counted, Flows()).flows
                    flows[flow] = flows.get(flow, 0) + 1
                customer.stage = change.stage_to
        return Folded(folded)

    def erase(self, customer_id: str) -> Iterable[str]:
        return (_customer_key(customer_id),)


def day_key(instant: str) -> str:
    """The key of the state of the day (UTC) of an RFC 3339 instant.

    >>> day_key("2026-01-02T03:04:05.678Z")
    '/2026-01-02'
    """
    return ALL + instant[:10]


def _customer_key(customer_id: str) -> str:
    """No customer has the key of a day."""
    return ALL + customer_id if customer_id.startswith(ALL) else customer_id


def customers_in(flows: Mapping[str, int]) -> dict[str, int]:
    """How many are in each stage after ``flows`` since the beginning.

    >>> customers_in({">lead": 3, "lead>new": 1})
    {'lead': 2, 'new': 1}
    """
    counts: Counter[str] = Counter()
    for flow, count in flows.items():
        source, _, target = flow.partition(">")
        counts[source] -= count
        counts[target] += count
    return {stage: count for stage, count in counts.items() if stage and count}


def came_into(states: Iterable[bytes]) -> dict[str, int]:
    """How many customers came into each stage, in all of the stored states of days; in the order of the stages.

    >>> came_into([b'{"flows":{"active>due":2,">lead":1}}', b'{"flows":{"new>due":1}}'])
    {'lead': 1, 'due': 3}
    """
    counts: Counter[str] = Counter()
    for state in states:
        for flow, count in msgspec.json.decode(state, type=Flows).flows.items():
            counts[flow.partition(">")[2]] += count
    return {stage: counts[stage] for stage in STAGE_NAMES if counts[stage]}
