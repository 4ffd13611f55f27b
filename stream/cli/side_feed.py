"""Publishing what the core does not read, beside a feed that it reads."""

from collections import Counter
from collections.abc import Sequence

from stream.cli.paced_feed import LiveFeed
from stream.cli.produce import EventProducer
from stream.events.log_event import LogEvent
from stream.projections.all_projections import projections_of
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["SideFeed"]


class SideFeed:
    """Publishes ``events`` of some topics, in time order, each when its time has come; knows when they are folded.

    The topics must be empty at first.
    """

    def __init__(self, settings: Settings, events: Sequence[LogEvent], desk: ProjectionDesk) -> None:
        self._producer = EventProducer(settings)
        self._feed = LiveFeed(self._producer, iter(events))
        self._size = len(events)
        self._desk = desk
        self._sizes = Counter(settings.topic_of(event.event_type) for event in events)
        self._read = [
            (projection.name, projection.version, source.topic)
            for projection in projections_of(settings)
            for source in projection.inputs
            if source.topic in self._sizes
        ]

    def advance(self, at_ms: float) -> None:
        """Publish what has occurred by ``at_ms``."""
        self._feed.advance(at_ms)

    @property
    def folded(self) -> bool:
        """Whether every projection has stored all events."""
        return self._producer.confirmed == self._size and all(
            sum(state.offsets.get(topic, 0) for state in self._desk.progress(name, version).states.values())
            >= self._sizes[topic]
            for name, version, topic in self._read
        )
