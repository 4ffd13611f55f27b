"""From the changes of stage that the kernel emitted to the records that are published.

There may be one for each order, so they are made a column at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import msgspec
import numpy as np
import numpy.typing as npt

from stream.alerts.alert_records import RULES_VERSION, StageChange, alert_id, cloud_event_headers
from stream.alerts.stage_sentences import stage_sentence
from stream.events.times import rfc3339
from stream.features.stages import Stage, StageCause
from stream.processing.state import Outgoing

__all__ = ["changes_of_stage", "trigger_of"]

_encode = msgspec.json.Encoder().encode
_STAGES, _CAUSES = tuple(Stage), tuple(StageCause)
_CODES = tuple(stage.code if stage else None for stage in Stage)
_CAUSE_CODES = tuple(cause.code for cause in StageCause)


#: What of an EMISSION is used.
_COLUMNS = ("row", "at", "event_id", "stage", "previous_stage", "stage_cause", "silence_days", "habit_days")


def trigger_of(event_id: int, at_ms: int) -> str:
    """What caused an emission, for its id: an event, or (0) a timer."""
    return f"event:{event_id:012x}" if event_id else f"timer:{at_ms}"


def changes_of_stage(
    emissions: npt.NDArray[np.void], customer_ids: Sequence[str], topic: str, now_ms: int
) -> list[Outgoing]:
    """Records for ``emissions`` (EMISSION of the kind STAGE), in their order; see `stream.processing.outgoing`."""
    if not len(emissions):
        return []
    columns = [emissions[name].tolist() for name in _COLUMNS]
    occurred, since = _instants(emissions["at"]), _instants(emissions["since"])
    emitted = rfc3339(now_ms)
    made = []
    for row, at, event_id, stage, previous, cause, silence, habit, occurred_at, began in zip(
        *columns, occurred, since, strict=True
    ):
        customer, code, before = customer_ids[row], _CODES[stage], _CODES[previous]
        has_ordered = not isnan(silence)
        change = StageChange(
            change_id=alert_id(RULES_VERSION, customer, f"stage:{before}:{code}", trigger_of(event_id, at)),
            customer_id=customer,
            stage_from=before,
            stage_to=code,
            cause=_CAUSE_CODES[cause],
            why=stage_sentence(_STAGES[stage], _CAUSES[cause], silence if has_ordered else None, habit),
            since=began,
            days_since_order=round(silence, 4) if has_ordered else None,
            usual_gap_days=round(habit, 4) if has_ordered else None,
            occurred_at=occurred_at,
            emitted_at=emitted,
        )
        made.append(Outgoing(topic, customer.encode(), _encode(change), cloud_event_headers(change)))
    return made


def _instants(at_ms: npt.NDArray[np.int64]) -> list[str]:
    """As `rfc3339`, of many."""
    texts = np.datetime_as_string(at_ms.astype("datetime64[ms]"), timezone="UTC")
    found: list[str] = texts.tolist()
    return found
