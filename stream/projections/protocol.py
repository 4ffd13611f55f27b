"""What a projection is: a pure fold over topics, one state a key. See docs/projections.md.

The runner (`stream.agents.projection_worker`) reads the topics, loads the states that a batch touches, folds, and
writes states, offsets and what is to be published in one step. So a projection has no I/O, no clock and no memory of
its own, and its states equal the fold over the log, whatever dies and whenever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec

from stream.alerts.alert_records import Alert
from stream.catalogue.declaring import Retention
from stream.events.record import Record
from stream.events.rejections import Rejection
from stream.processing.state import Outgoing

__all__ = [
    "Asking",
    "Description",
    "Expiring",
    "Folded",
    "Forgetting",
    "Input",
    "Leading",
    "Placed",
    "Projection",
    "Reaching",
    "Reading",
    "TakenOut",
]

M = TypeVar("M")
S = TypeVar("S", bound=msgspec.Struct)
M_co = TypeVar("M_co", covariant=True)


class Reading(NamedTuple):
    """A batch of one input, read.

    ``keyed``: (key of the state, message) of each record that was taken. ``positions``: the record of each of them, by
    its position in the batch. ``rejections``: records that become dead letters of this projection. ``skipped``: records
    that are no business of the projection, such as events that the core has rejected, which has published them as dead
    letters already. ``newest_ms``: the latest event time among what was taken, None if there is none.
    """

    keyed: list[tuple[str, object]]
    positions: list[int]
    rejections: list[Rejection]
    skipped: int = 0
    newest_ms: int | None = None


class Input(Protocol):
    """One topic of a projection, with as many partitions as the events have.

    ``comes_again``: whether it matters that records of persons who become others are sent again, as those of the event
    topics are. Else all records count, of whatever edition.
    """

    @property
    def comes_again(self) -> bool: ...
    @property
    def topic(self) -> str: ...

    def read(self, records: Sequence[Record]) -> Reading:
        """Read a batch; a record that cannot be read is a rejection, never an exception."""
        ...


class Folded(NamedTuple):
    """What a fold gives: the states that may have changed (None: forget it), and what to publish, in order.

    ``alerts`` go to the topic of alerts; when they are published is written into them later.
    """

    states: Mapping[str, msgspec.Struct | None]
    outgoing: Sequence[Outgoing] = ()
    alerts: Sequence[Alert] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """For operators and documents: ``what`` is one sentence; ``key`` says what a state is of; ``topics`` are read.

    For the register of processing: ``why`` states are kept, and how long (``kept``).
    """

    name: str
    version: int
    what: str
    key: str
    topics: tuple[str, ...]
    why: str = ""
    kept: Retention = Retention.NEWEST


@runtime_checkable
class Expiring(Protocol):
    """A projection whose states expire ``keep_s`` seconds after they were written last, also in the worker's memory."""

    @property
    def keep_s(self) -> int: ...


@runtime_checkable
class Reaching(Protocol):
    """A projection whose fold needs more states than those of the messages' keys."""

    def reach(self, states: Mapping[str, Any], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """Keys of states that a fold of ``messages`` needs, as far as ``states`` tell; asked until none is new."""
        ...


@runtime_checkable
class Leading(Protocol):
    """A projection that reads one topic to its end before it begins with the others."""

    @property
    def leading(self) -> str:
        """The topic, one of the inputs'."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A projection that says in what it publishes from which partition it comes."""

    def placed(self, partition: int) -> Projection[Any]:
        """The same projection, of this partition."""
        ...


@runtime_checkable
class Forgetting(Protocol):
    """A projection whose fold erases, because states of others hold something of a customer as well."""

    def forget(self, customer_id: str) -> Iterable[tuple[str, object]]:
        """The messages by which a fold erases the customer, each with the key of a state."""
        ...


@runtime_checkable
class Asking(Protocol):
    """A projection that learns for all customers from what each one does, and cannot take that back exactly.

    So the runner asks before a step who agrees to profiling, and leaves out what would be learned of who does not agree
    now, whenever it happened. It goes by what is stored of consents: that is no part of the log of the projection.
    """

    def learned_from(self, message: object) -> str | None:
        """The customer of whom a fold of the message learns; None: nobody."""
        ...


class Projection(Protocol[S]):
    """A fold with a name.

    ``version``: raise it when the fold, the key or the state changes its meaning. The new version begins at the start
    of the log with no states, and leaves those of the former version alone. ``state``: the msgspec structure of a
    state; it is stored as JSON. What is published needs an id that follows from the messages, for a crash repeats it.

    **Timers** follow from states: those that a step adds are set, those that it takes away are removed, in the step. A
    timer fires once, when the time of the partition has passed it and all inputs have been read to their ends, so that
    what was done in time is known by then. Firing publishes and does not change the state: states stay a fold over the
    log.

    A partition of a topic comes in its order. Nothing orders the records of one topic against those of another, so a
    projection with several inputs must not depend on that order.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def home(self) -> str | None:
        """What all records are keyed by, so that one partition has all states; None: each has those of its keys."""
        ...

    @property
    def inputs(self) -> Sequence[Input]: ...
    @property
    def state(self) -> type[S]: ...
    @property
    def is_timed(self) -> bool:
        """Whether states may have timers."""
        ...

    def fold(self, states: Mapping[str, S], messages: Sequence[tuple[str, object]]) -> Folded:
        """Fold messages, in order, into the states of their keys. A key without a state is not in ``states``.

        Pure but for ``states``, which belong to this call and may be changed. An exception is blamed on a message by
        folding parts again; that message becomes a dead letter.
        """
        ...

    def timers(self, state: S) -> Mapping[str, int]:
        """When something is due if no message changes it (ms since the epoch), by a name unique in the state."""
        ...

    def fire(self, key: str, state: S, timer: str) -> Sequence[Alert | Outgoing]:
        """What to publish when a timer of the state is due: alerts, or any records."""
        ...

    def erase(self, customer_id: str) -> Iterable[str]:
        """The keys of states that hold something of this customer alone."""
        ...

    def erased_in(self, customer_id: str) -> Iterable[str] | None:
        """Keys of records, in whose partitions something of the customer may be; None: in any partition."""
        ...

    def release(self, customer_id: str) -> Iterable[tuple[str, object]] | None:
        """The messages, each with the key of a state, whose fold takes out what was folded of a customer's events.

        It is asked when the customer is another one from now on, or when somebody is taken away from them: the events
        that are theirs then come again (`stream.projections.moving`). None: what is folded is of nobody in particular,
        or does not follow from events alone. Each event counts where it came first then, and none that comes again.
        """
        ...

    def describe(self) -> Description: ...


class TakenOut(NamedTuple):
    """A message: forget the state."""

    customer_id: str
