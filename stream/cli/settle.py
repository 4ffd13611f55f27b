"""Waiting until everything that was published has been worked off."""

import time
from collections.abc import Callable, Iterable, Mapping

from stream.cli.topic_spans import Place, Spans, TopicSpans
from stream.errors import StorageError, StreamError, TopologyError
from stream.projections.arrivals import Arrivals
from stream.settings import Settings
from stream.storage.overview import Overview
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["unread", "wait_until_settled", "waiting"]

#: Nothing has moved for so long although there is work.
PATIENCE_S = 120.0
_LOOK_S = 0.25
#: A server that has ended is started again and answers within this time, where somebody sees to that.
_AWAY_S = 30.0


def wait_until_settled(
    settings: Settings, tell: Callable[[int, int], None] = lambda _done, _of: None, *, patience_s: float = PATIENCE_S
) -> None:
    """Return when workers have taken in all that is published now, fired what is due, and learned from it.

    With ``join_identities`` the projection `arrivals` passes events on first; those that it holds wait on.
    ``tell`` is given the records taken in and their number, several times a second. Raises `StreamError` when nothing
    has moved for ``patience_s``, `TopologyError` and `StorageError` when a server has not answered for half a minute.
    The broker in memory (Tansu) tells the ends of its partitions wrong, so this waits for nothing there.
    """
    answered_s = time.monotonic()

    def told(done: int, of: int) -> None:
        nonlocal answered_s
        answered_s = time.monotonic()
        tell(done, of)

    while True:
        try:
            return _settle(settings, told, patience_s)
        except (StorageError, TopologyError):
            if time.monotonic() - answered_s > _AWAY_S:
                raise
        time.sleep(_LOOK_S)


def _settle(settings: Settings, tell: Callable[[int, int], None], patience_s: float) -> None:
    with TopicSpans(settings) as ends, Overview(settings) as overview:
        if settings.join_identities:
            _wait_until_passed_on(settings, ends, tell, patience_s)
        events = ends.of(_places(settings.event_topics, settings))
        expected = sum(end - begin for begin, end in events.values())
        patience = _Patience(patience_s)
        while True:
            stored = overview.offsets()
            missing = sum(unread(events, stored).values())
            totals, learned = overview.totals(), overview.trainer().offset
            tell(expected - missing, expected)
            if not (missing or totals.due or totals.outbox):
                ((_, examples),) = ends.of([(settings.training_examples, 0)]).values()
                if learned >= examples:
                    return
            patience.look(
                (missing, totals, learned),
                f"{missing:,} of {expected:,} events wait, {totals.due:,} timers are due, {totals.outbox:,} records are"
                " to be published: does a worker run?",
            )
            time.sleep(_LOOK_S)


def waiting(settings: Settings) -> int:
    """How many events the workers have not taken in yet. Raises as `wait_until_settled` does."""
    with TopicSpans(settings) as ends, Overview(settings) as overview:
        return sum(unread(ends.of(_places(settings.event_topics, settings)), overview.offsets()).values())


def unread(spans: Spans, read: Mapping[Place, int]) -> Mapping[str, int]:
    """Of each topic, how many records are still to be read.

    ``spans``: the first offset that is there, and the next one; ``read``: the next one of who reads.

    >>> unread({("clicks", 0): (0, 9), ("clicks", 1): (70, 80), ("mails", 0): (5, 5)}, {("clicks", 0): 2})
    {'clicks': 17, 'mails': 0}
    """
    found: dict[str, int] = {}
    for place, (begin, end) in spans.items():
        # what was deleted before it was read waits for nobody
        found[place[0]] = found.get(place[0], 0) + max(end - max(read.get(place, 0), begin), 0)
    return found


def _wait_until_passed_on(
    settings: Settings, ends: TopicSpans, tell: Callable[[int, int], None], patience_s: float
) -> None:
    """Wait until `arrivals` has read and published what there is now: only then do the event topics have it."""
    arrived = ends.of(_places([settings.arrivals], settings))
    expected = sum(end - begin for begin, end in arrived.values())
    patience = _Patience(patience_s)
    with ProjectionDesk(settings) as desk:
        while True:
            states = desk.progress(Arrivals.name, Arrivals.version).states
            stored = {(settings.arrivals, p): state.offsets.get(settings.arrivals, 0) for p, state in states.items()}
            missing = sum(unread(arrived, stored).values())
            # in this order: what has been read is in the outbox by then, or published
            unpublished = desk.unpublished(Arrivals.name, Arrivals.version)
            tell(expected - missing, expected)
            if not (missing or unpublished):
                return
            patience.look(
                (missing, unpublished),
                f"{missing:,} of {expected:,} records wait in {settings.arrivals}, {unpublished:,} are to be published:"
                " does a worker with the projection arrivals run?",
            )
            time.sleep(_LOOK_S)


def _places(topics: Iterable[str], settings: Settings) -> list[Place]:
    return [(topic, p) for topic in topics for p in range(settings.partitions)]


class _Patience:
    """Gives up when nothing has moved for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: object = None
        self._moved_at = time.monotonic()

    def look(self, now: object, what: str) -> None:
        """Take note of how things are. Raises `StreamError`, which says ``what`` is left."""
        if now != self._seen:
            self._moved_at, self._seen = time.monotonic(), now
        elif time.monotonic() - self._moved_at > self._seconds:
            raise StreamError(f"nothing has moved for {self._seconds:.0f} s: {what}")
