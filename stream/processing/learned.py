"""Whether the models have learned all that the workers have given them."""

from stream.online_models.snapshot import ModelSnapshot
from stream.processing.state import Counters

__all__ = ["has_learned"]


def has_learned(counters: Counters, offset: int, snapshot: ModelSnapshot | None) -> bool:
    """Whether every example has been learned: each landmark and each label is one, and some may be sent twice.

    ``offset``: of the next example that the trainer learns.
    """
    if offset < counters.landmarks + counters.labels:
        return False
    if snapshot is None:
        return counters.landmarks == 0
    segments = snapshot.segments
    return snapshot.churn.labels_seen == counters.labels and (
        segments is None or segments.version == counters.landmarks
    )
