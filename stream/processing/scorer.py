"""A loaded snapshot: for the kernel, for explanations, for names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stream.online_models.snapshot import ModelSnapshot
from stream.processing.rules import NO_MODEL, Model

__all__ = ["WARMING", "Scorer"]


@dataclass(frozen=True, slots=True)
class Scorer:
    """``model`` scores; ``snapshot`` explains (None while there is none)."""

    model: Model
    snapshot: ModelSnapshot | None

    @classmethod
    def of(cls, snapshot: ModelSnapshot) -> Scorer:
        """Fold a verified snapshot into the form that the kernel uses."""
        model = NO_MODEL
        churn, segments = snapshot.churn, snapshot.segments
        if churn.ready:
            weights, bias = churn.linear()
            model = model._replace(
                ready=True,
                version=churn.version,
                weights=np.ascontiguousarray(weights, np.float64),
                bias=float(bias),
                typical=np.array(churn.means, np.float64),
            )
        if segments is not None:
            columns, means, scales, centroids = segments.arrays()
            model = model._replace(
                segment_version=segments.version,
                columns=columns,
                means=means,
                scales=scales,
                centroids=centroids,
            )
        return cls(model, snapshot)

    @property
    def segment_names(self) -> tuple[str, ...]:
        """Name of each segment id; empty while there are no segments."""
        if self.snapshot is None or self.snapshot.segments is None:
            return ()
        return self.snapshot.segments.names


#: Before the first snapshot.
WARMING = Scorer(NO_MODEL, None)
