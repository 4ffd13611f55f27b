"""The customer document: what `GET` shows, in any language.

Readable part: features (null = not known yet), risk, segment, history, what pushes the risk most. ``state`` is the
packed profile (``stream.features.codec``) in base64: what the next event is applied to.
"""

from __future__ import annotations

import math
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson

from stream.alerts.value import value_at_risk
from stream.errors import CodecError
from stream.events.columns import MONEY_SCALE
from stream.features.profile import NEVER
from stream.features.registry import COLUMN, FEATURES, INPUT_SCALE
from stream.processing.kernel import Run
from stream.processing.rules import Model
from stream.processing.scorer import Scorer

__all__ = ["MAIN_REASONS", "build", "packed_state"]

#: How many contributions a document lists; an alert has them all.
MAIN_REASONS = 3

_WHOLE = [j for j, feature in enumerate(FEATURES) if feature.unit == "events"]
_REAL = [j for j, feature in enumerate(FEATURES) if feature.unit != "events"]
_NAMES = [FEATURES[j].name for j in (*_WHOLE, *_REAL)]
_REASON_NAMES = [feature.name for feature in FEATURES]


def _instants(times: npt.NDArray[np.int64], unit: Literal["s", "ms"] = "s") -> list[str | None]:
    """RFC 3339 strings for times in ms; None for never."""
    known = np.abs(times) < -NEVER
    text = np.datetime_as_string(np.where(known, times, 0).astype("M8[ms]"), unit=unit, timezone="UTC").tolist()
    return [instant if is_known else None for instant, is_known in zip(text, known.tolist(), strict=True)]


def _main_reasons(inputs: npt.NDArray[np.int16], model: Model) -> list[dict[str, float]]:
    """The largest contributions to each row's logit, relative to a typical customer."""
    contributions = model.weights * (inputs / INPUT_SCALE - model.typical)
    top = np.argsort(-np.abs(contributions), axis=1)[:, :MAIN_REASONS]
    strength = np.round(np.take_along_axis(contributions, top, axis=1), 3).tolist()
    return [
        {_REASON_NAMES[j]: weight for j, weight in zip(columns, weights, strict=True) if weight}
        for columns, weights in zip(top.tolist(), strength, strict=True)
    ]


def build(customer_ids: Sequence[str], run: Run, scorer: Scorer, horizon_days: float) -> list[bytes]:
    """Documents of all rows of a run, in row order."""
    p = run.profiles
    model, segment_names = scorer.model, scorer.segment_names
    spend_total = (p["order_spend"] - p["refund_spend"]) / MONEY_SCALE
    at_risk = value_at_risk(p["risk"], spend_total, run.values[:, COLUMN["tenure"]], horizon_days)
    whole = run.values[:, _WHOLE].astype(np.int64).tolist()
    real = np.round(run.values[:, _REAL], 4).tolist()
    reasons: list[Any] = _main_reasons(run.inputs, model) if model.ready else [None] * len(p)
    columns = zip(
        customer_ids,
        whole,
        real,
        reasons,
        run.packed,
        p["risk"].tolist(),
        p["risk_version"].tolist(),
        p["segment"].tolist(),
        p["raised"].tolist(),
        p["events"].tolist(),
        p["orders"].tolist(),
        spend_total.tolist(),
        at_risk.tolist(),
        _instants(p["as_of"], "ms"),
        _instants(p["first_at"]),
        _instants(p["last_at"]),
        _instants(p["last_order_at"]),
        _instants(p["check_at"]),
        _instants(p["unsubscribed_at"]),
        strict=True,
    )
    documents = []
    for (
        customer_id,
        counts,
        reals,
        reason,
        packed,
        risk,
        version,
        segment,
        raised,
        events,
        orders,
        spend,
        at_stake,
        as_of,
        first_at,
        last_at,
        last_order_at,
        check_at,
        unsubscribed_at,
    ) in columns:
        documents.append(
            orjson.dumps(
                {
                    "customer_id": customer_id,
                    "as_of": as_of,
                    "risk": None if math.isnan(risk) else round(risk, 6),
                    "model_version": version,
                    "alert": raised,
                    "at_risk_from": check_at,
                    "value_at_risk": None if math.isnan(at_stake) else at_stake,
                    "segment": segment_names[segment] if 0 <= segment < len(segment_names) else None,
                    "reasons": reason,
                    "events": events,
                    "orders": orders,
                    "spend": spend,
                    "first_at": first_at,
                    "last_at": last_at,
                    "last_order_at": last_order_at,
                    "unsubscribed_at": unsubscribed_at,
                    "features": dict(zip(_NAMES, counts + reals, strict=True)),
                    "state": b2a_base64(packed, newline=False).decode("ascii"),
                }
            )
        )
    return documents


def packed_state(document: bytes) -> bytes:
    """Return the packed profile of a document. Raises CodecError when there is none to be found."""
    try:
        return a2b_base64(orjson.loads(document)["state"], strict_mode=True)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise CodecError(f"a customer document holds no packed profile: {error!r}") from error
