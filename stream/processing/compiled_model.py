"""A model as one record: the compiled code reads it where it lies, and passes one address from function to function.

As a tuple of arrays it would be copied and its arrays counted at every call, which costs more than scoring.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from stream.errors import SnapshotError
from stream.features.order_process import NO_PROCESS
from stream.features.registry import FEATURES
from stream.online_models.archetypes import ARCHETYPES
from stream.online_models.basis import PAIRS
from stream.online_models.horizon import MAX_PERIODS
from stream.processing.rules import Model

__all__ = ["COMPILED_MODEL", "compiled"]

_MAX_CLUSTERS: Final = len(ARCHETYPES)
#: A later program may make segments of any features that this one knows.
_MAX_AXES: Final = len(FEATURES)
#: Arrays that a record has room for more of.
_WITH_ROOM: Final = ("columns", "means", "scales", "centroids", "horizon_since", "horizon_ms")

#: The fields of `stream.processing.rules.Model`. ``clusters``, ``axes``, ``periods``: how much of the arrays is used;
#: ``deviations`` is room for the *d* of the customer who is being scored.
COMPILED_MODEL: Final = np.dtype(
    [
        ("ready", np.bool_),
        ("version", np.int64),
        ("weights", np.float64, (len(FEATURES),)),
        ("curvature", np.float64, (len(PAIRS),)),
        ("bias", np.float64),
        ("typical", np.float64, (len(FEATURES),)),
        ("deviations", np.float64, (len(FEATURES),)),
        ("slope", np.float64),
        ("shift", np.float64),
        ("stake_level", np.float64),
        ("shop_gap_days", np.float64),
        ("segment_version", np.int64),
        ("clusters", np.int64),
        ("axes", np.int64),
        ("columns", np.int64, (_MAX_AXES,)),
        ("means", np.float64, (_MAX_AXES,)),
        ("scales", np.float64, (_MAX_AXES,)),
        ("centroids", np.float64, (_MAX_CLUSTERS, _MAX_AXES)),
        ("periods", np.int64),
        ("horizon_since", np.int64, (MAX_PERIODS,)),
        ("horizon_ms", np.int64, (MAX_PERIODS,)),
        ("learned", np.bool_),
        ("process_weight", np.float64),
        ("process", np.float64, NO_PROCESS.shape),
        ("process_typical", np.float64),
        ("typical_silence", np.float64),
        ("risk_from", np.int64),
        ("risk_sure", np.int64),
    ],
    align=True,
)

#: What a record has as a model has it.
_AS_THEY_ARE: Final = tuple(
    name for name in COMPILED_MODEL.fields or () if name in Model._fields and name not in _WITH_ROOM
)


def compiled(model: Model) -> npt.NDArray[np.void]:
    """COMPILED_MODEL[1] of a model. Raises `SnapshotError` when there is no room for it."""
    clusters, axes = model.centroids.shape
    if clusters > _MAX_CLUSTERS or axes > _MAX_AXES:
        raise SnapshotError(
            f"{clusters} segments over {axes} inputs, at most {_MAX_CLUSTERS} over {_MAX_AXES} are known"
        )
    periods = len(model.horizon_ms)
    if periods > MAX_PERIODS:
        raise SnapshotError(f"{periods} horizons, at most {MAX_PERIODS} are known")
    record = np.zeros(1, COMPILED_MODEL)
    for name in _AS_THEY_ARE:
        record[name] = getattr(model, name)
    record["clusters"], record["axes"], record["periods"] = clusters, axes, periods
    for name in _WITH_ROOM:
        array = getattr(model, name)
        record[name][0][tuple(map(slice, array.shape))] = array
    return record
