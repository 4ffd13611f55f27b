"""The part of an undisturbed run that binds another: its model or clock is no function of the log, or workers of the
release before take part. What only the present release knows begins at its default where those write a customer.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from stream.online_models.horizon import FIRST_HORIZON_DAYS
from stream.settings import Settings
from tests.faults.event_log import EventLog
from tests.processing.published import epoch_ms

__all__ = ["Scope"]

_HOUR_MS = 3_600_000
#: A partition whose newest event is younger than an hour goes by the wall clock, which may be an hour behind here; the
#: third is room for the run itself.
_BY_THE_WALL_MS = 3 * _HOUR_MS
#: Counters that are a function of the log alone; with the clock of the log so are those after them.
_OF_THE_LOG = ("events_in", "applied", "duplicates", "dead_letters", "forwarded", "customers")
_OF_ITS_CLOCK = ("landmarks", "labels")
#: Of stages, which the release before does not know.
_NEW_COUNTERS = frozenset({"stage_changes"})
_NEW_TOPICS = frozenset({"stages"})
#: The fields of a label about the model that scored at its landmark.
_OF_THE_MODEL = ("risk", "logit", "model_version")


class Scope(NamedTuple):
    """``until_ms``: everything before it is a function of the log; infinity: all of the run.

    ``two_releases``: workers of the release before write, too.
    """

    frozen_model: bool
    until_ms: float
    horizon_ms: float
    two_releases: bool = False

    @classmethod
    def of(cls, settings: Settings, log: EventLog, *, two_releases: bool = False) -> Self:
        """The scope of a run over ``log``."""
        newest_ms = max(event.at for events in log.truth.values() for event in events)
        until_ms = math.inf if settings.clock == "event" else newest_ms - _BY_THE_WALL_MS
        horizon_ms = (settings.horizon_days or FIRST_HORIZON_DAYS) * 86_400_000
        return cls(settings.freeze_model, until_ms, horizon_ms, two_releases)

    @property
    def is_everything(self) -> bool:
        """Whether the run must be the undisturbed one in every byte that all its workers know."""
        return self.frozen_model and math.isinf(self.until_ms)

    def counters(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """Those of the undisturbed counters that bind."""
        if self.is_everything:
            return {name: count for name, count in wanted.items() if not (self.two_releases and name in _NEW_COUNTERS)}
        names = _OF_THE_LOG + (_OF_ITS_CLOCK if math.isinf(self.until_ms) else ())
        return {name: wanted[name] for name in names}

    def binds_example(self, example_id: str) -> bool:
        """Whether this example must be there, or must not be."""
        at_ms, _, kind = example_id.rpartition("@")[2].partition(":")
        if kind == "overdue" and not self.frozen_model:
            # a customer already alerted is not reported, and alerts depend on the model
            return False
        return int(at_ms) + (self.horizon_ms if kind == "label" else 0.0) < self.until_ms

    def binds(self, topic: str, name: str, content: Mapping[str, Any]) -> bool:
        """Whether this record must be published as in the undisturbed run, or must not be published."""
        if topic == "dead-letters":
            return True
        if self.two_releases and topic in _NEW_TOPICS:
            return False
        if topic == "training-examples":
            return self.binds_example(name)
        return self.frozen_model and epoch_ms(content["occurred_at"]) < self.until_ms

    def compared(self, topic: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of the content that binds."""
        if self.frozen_model or topic != "training-examples":
            return content
        return {name: value for name, value in content.items() if name not in _OF_THE_MODEL}
