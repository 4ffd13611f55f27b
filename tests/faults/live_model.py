"""Alerts of a model that goes on learning: each must follow from the features and from the version that it names.

Nothing of the product's scoring is used: features are those of the definition over the customer's events, and the sum
is the one that `stream.online_models.snapshot.ChurnSnapshot` states. Events must come in order, so that those that an
alert has seen are those up to its time.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from stream.alerts.contract import Alert, AlertKind
from stream.features.registry import FEATURE_NAMES, FEATURES, INPUT_SCALE
from stream.online_models.basis import PAIRS
from stream.online_models.snapshot import ChurnSnapshot, decode_snapshot
from tests.faults.bench import Bench
from tests.faults.watch import Watch
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.processing.published import epoch_ms

__all__ = ["Publications", "departures"]

#: A snapshot stays for `Settings.snapshot_ms`, ten times as long.
_LOOK_EVERY_S = 0.05
#: Sums of some hundred products in another order.
_ROUNDING = 1e-9
#: Fewer alerts than these, or of fewer models, prove nothing.
_LEAST_ALERTS, _LEAST_VERSIONS = 30, 3

Floats = npt.NDArray[np.float64]


class Publications:
    """``with Publications(bench) as seen: ...``: every model that scorers could read; then `findings`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._watch = Watch("watch of snapshots", self._look, _LOOK_EVERY_S)
        self._stack = ExitStack()
        self._last: bytes | None = None
        #: A version counts labels; what an observation moves can change under one version.
        self._models: defaultdict[int, list[ChurnSnapshot]] = defaultdict(list)

    def __enter__(self) -> Self:
        self._stack.enter_context(self._watch)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def findings(self) -> Iterator[str]:
        """A: an alert that does not follow from its version. X: too little was seen to prove anything."""
        yield from self._watch.findings
        versions: set[int] = set()
        checked = 0
        for message in self._bench.read("alerts"):
            alert = msgspec.json.decode(message.value() or b"", type=Alert)
            checked += 1
            versions.add(alert.model_version)
            yield from self._judged(alert)
        if checked < _LEAST_ALERTS or len(versions) < _LEAST_VERSIONS:
            yield (
                f"X: {checked} alerts of {len(versions)} models, expected at least {_LEAST_ALERTS} of {_LEAST_VERSIONS}"
            )

    def _look(self) -> None:
        encoded = self._bench.client.get(self._bench.keys.snapshot())
        if encoded is not None and encoded != self._last:
            model = decode_snapshot(encoded).churn
            self._models[model.version].append(model)
            self._last = encoded

    def _judged(self, alert: Alert) -> Iterator[str]:
        models = self._models.get(alert.model_version, [])
        verdicts = [[*departures(alert, model, self._bench.log.truth[alert.customer_id])] for model in models]
        if not verdicts:
            yield f"A: {alert.alert_id} is of model {alert.model_version}, which was never published"
        elif all(verdicts):
            yield f"A: {alert.alert_id} of model {alert.model_version}: {'; '.join(verdicts[-1])}"


def departures(alert: Alert, model: ChurnSnapshot, events: Sequence[Event]) -> Iterator[str]:
    """What in an alert does not follow from the ``events`` of its customer and from ``model``."""
    at_ms = epoch_ms(alert.occurred_at)
    values = features_at([event for event in events if event.at <= at_ms], at_ms)
    inputs = [feature.input_of(values[feature.name]) for feature in FEATURES]
    parts = dict(zip(FEATURE_NAMES, _parts(np.array(inputs), model).tolist(), strict=True))
    logit = math.fsum((model.intercept, *parts.values()))
    told = {reason.feature: reason for reason in alert.reasons}
    rest = math.fsum(part for name, part in parts.items() if name not in told)
    numbers = {
        "baseline": (alert.baseline, model.intercept),
        "logit": (alert.logit, logit),
        "sum": (alert.baseline + math.fsum(r.contribution for r in alert.reasons) + alert.rest, alert.logit),
        "rest": (alert.rest, rest),
        "risk": (alert.risk, 1.0 / (1.0 + math.exp(-logit))),
        **{f"contribution of {name}": (reason.contribution, parts[name]) for name, reason in told.items()},
    }
    for what, (found, wanted) in numbers.items():
        if not math.isclose(found, wanted, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
            yield f"{what} is {found!r}, expected {wanted!r}"
    for name, reason in told.items():
        value = values[name]
        if reason.value != (None if value is None else round(float(value), 4)):
            yield f"{name} is {reason.value!r}, expected {value!r}"
    raised = alert.kind is AlertKind.RAISED
    if (alert.risk >= alert.threshold) is not raised:
        yield f"{alert.kind} at risk {alert.risk} and threshold {alert.threshold}"
    if not alert.reasons:
        yield "no reason is told"


def _parts(inputs: Floats, model: ChurnSnapshot) -> Floats:
    """What each feature adds to the log-odds: half of each product that it is in."""
    quantised = np.rint(inputs * INPUT_SCALE) / INPUT_SCALE
    z = (quantised - np.array(model.means)) / np.array(model.scales)
    parts: Floats = np.array(model.weights) * z
    for (a, b), weight in zip(PAIRS.tolist(), model.curvature, strict=True):
        parts[a] += 0.5 * weight * z[a] * z[b]
        parts[b] += 0.5 * weight * z[a] * z[b]
    return parts
