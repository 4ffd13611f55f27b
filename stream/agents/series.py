"""Series that are there from the start: to Prometheus a counter that appears with its first count has not increased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from types import MappingProxyType
from typing import Final

from prometheus_client import Counter, Histogram

from stream import metrics
from stream.alerts.alert_records import AlertKind
from stream.alerts.severity import Severity
from stream.catalogue.events import KERNEL_TYPES
from stream.events.rejections import Defect
from stream.features.registry import FEATURE_NAMES
from stream.features.stages import STAGE_NAMES
from stream.online_models.alarms import Detector
from stream.online_models.contenders import ROSTER
from stream.online_models.example import ExampleProblem
from stream.processing.advance import FIRED
from stream.processing.deciding import SUPPRESSED
from stream.processing.emission import EmissionCause

__all__ = ["begin_at_zero"]

_CAUSES = [cause.name.lower() for cause in EmissionCause]

#: The values of each label, in the order of the metric's labels.
_LABEL_VALUES: Final[Mapping[Counter | Histogram, tuple[Iterable[str], ...]]] = MappingProxyType(
    {
        metrics.EVENTS: (KERNEL_TYPES, ("applied", "duplicate", "dead_letter", "forwarded")),
        metrics.DEAD_LETTERS: (Defect,),
        metrics.COMMIT_REJECTED: (("fenced", "rebuild", "storage"),),
        metrics.TIMERS_FIRED: (FIRED,),
        metrics.ALERTS: ([kind.name.lower() for kind in AlertKind], _CAUSES, Severity),
        metrics.ALERT_RISK: (_CAUSES,),
        metrics.ALERTS_SUPPRESSED: (SUPPRESSED,),
        metrics.STAGE_CHANGES: (STAGE_NAMES,),
        metrics.LABELS: (("true", "false"),),
        metrics.EXAMPLES_REFUSED: (ExampleProblem,),
    }
)


def begin_at_zero() -> None:
    """Show every series of a worker's counters, with 0 until there is more."""
    for metric, values in _LABEL_VALUES.items():
        for labels in product(*values):
            metric.labels(*labels)
    for detector in Detector:
        for model in ROSTER:
            metrics.DRIFT_ALARMS.labels(detector, "model", model)
        for feature in FEATURE_NAMES:
            metrics.DRIFT_ALARMS.labels(detector, "feature", feature)
