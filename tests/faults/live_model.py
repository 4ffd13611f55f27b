"""Alerts of a model that goes on learning: each must follow from the features and from the version that it names.

Nothing of the product's scoring is used: features are those of the definition over the customer's events, and the sum
is the one that snapshots state (`tests.faults.live_score`). Events must come in order, so that those that an
alert has seen are those up to its time.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Self

import msgspec
import numpy as np

from stream.alerts.alert_records import Alert, AlertKind, ClearedBy
from stream.features.habit import LOST_HABITS
from stream.features.registry import FEATURES
from stream.online_models.purchase_process import PRIOR
from stream.online_models.purchases_snapshot import PURCHASES, PurchasesSnapshot
from stream.online_models.snapshot import ModelSnapshot, decode_snapshot
from tests.faults.bench import Bench
from tests.faults.frozen_model import frozen_snapshot
from tests.faults.live_score import Scored, scored
from tests.faults.watch import Watch
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.processing.published import epoch_ms

__all__ = ["Publications", "departures", "with_process"]

#: A snapshot stays for `Settings.snapshot_ms`, ten times as long.
_LOOK_EVERY_S = 0.05
#: Sums of some hundred products in another order.
_ROUNDING = 1e-9
#: Fewer alerts or models than these prove nothing.
_MIN_ALERTS, _MIN_VERSIONS = 30, 3


class Publications:
    """``with Publications(bench) as seen: ...``: every model that scorers could read; then `findings`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._watch = Watch("watch of snapshots", self._look, _LOOK_EVERY_S)
        self._stack = ExitStack()
        self._last: bytes | None = None
        #: A version counts labels, so observations may change the model within one version.
        self._models: defaultdict[int, list[ModelSnapshot]] = defaultdict(list)
        # what scores before the first snapshot
        self._models[0].append(with_process(PurchasesSnapshot(process=PRIOR, customers=0), ready=False))

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
        for message in self._bench.topics.read("alerts"):
            alert = msgspec.json.decode(message.value() or b"", type=Alert)
            checked += 1
            versions.add(alert.model_version)
            yield from self._judged(alert)
        if checked < _MIN_ALERTS or len(versions) < _MIN_VERSIONS:
            yield (f"X: {checked} alerts of {len(versions)} models, expected at least {_MIN_ALERTS} of {_MIN_VERSIONS}")

    def _look(self) -> None:
        encoded = self._bench.client.get(self._bench.keys.snapshot())
        if encoded is not None and encoded != self._last:
            model = decode_snapshot(encoded)
            self._models[model.churn.version].append(model)
            self._last = encoded

    def _judged(self, alert: Alert) -> Iterator[str]:
        models = self._models.get(alert.model_version, [])
        verdicts = [[*departures(alert, model, self._bench.log.truth[alert.customer_id])] for model in models]
        if not verdicts:
            yield f"A: {alert.alert_id} is of model {alert.model_version}, which was never published"
        elif all(verdicts):
            yield f"A: {alert.alert_id} of model {alert.model_version}: {'; '.join(verdicts[-1])}"


def with_process(purchases: PurchasesSnapshot, *, ready: bool, share: float = 0.0, hedge: float = 0.0) -> ModelSnapshot:
    """The frozen model beside a purchase process that has ``share`` of the log-odds and ``hedge`` of the rest.

    It has all of them unless ``ready``.
    """
    frozen = frozen_snapshot()
    return msgspec.structs.replace(
        frozen,
        churn=msgspec.structs.replace(frozen.churn, ready=ready, process_share=share, process_hedge=hedge),
        others={PURCHASES: msgspec.Raw(msgspec.json.encode(purchases))},
    )


def departures(alert: Alert, model: ModelSnapshot, events: Sequence[Event]) -> Iterator[str]:
    """The parts of an alert that do not follow from its customer's ``events`` and ``model``."""
    if alert.baseline is None or alert.logit is None or alert.rest is None or alert.risk is None:
        yield f"{alert.kind} without its risk"
        return
    at_ms = epoch_ms(alert.occurred_at)
    values = features_at([event for event in events if event.at <= at_ms], at_ms)
    given = scored(np.array([feature.input_of(values[feature.name]) for feature in FEATURES]), model)
    logit = math.fsum((given.baseline, *given.parts.values()))
    told = {reason.feature: reason for reason in alert.reasons}
    believed = _believed(given)
    rest = logit - given.baseline - math.fsum(believed.get(name, 0.0) for name in told)
    numbers = {
        "baseline": (alert.baseline, given.baseline),
        "logit": (alert.logit, logit),
        "sum": (alert.baseline + math.fsum(r.contribution for r in alert.reasons) + alert.rest, alert.logit),
        "rest": (alert.rest, rest),
        "risk": (alert.risk, 1.0 / (1.0 + math.exp(-logit))),
        **{f"contribution of {name}": (reason.contribution, believed.get(name, 0.0)) for name, reason in told.items()},
    }
    for what, (found, wanted) in numbers.items():
        if not math.isclose(found, wanted, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
            yield f"{what} is {found!r}, expected {wanted!r}"
    for name, reason in told.items():
        value = values[name]
        if reason.value != (None if value is None else round(float(value), 4)):
            yield f"{name} is {reason.value!r}, expected {value!r}"
    yield from _told(alert)


def _told(alert: Alert) -> Iterator[str]:
    """The contradictions to the kind of the alert."""
    if alert.days_since_order is None or alert.usual_gap_days is None:
        yield f"{alert.kind} without the silence and the habit"
        return
    overdue = alert.days_since_order / alert.usual_gap_days
    if (alert.kind is AlertKind.CLEARED) is not (alert.cleared_by is not None):
        yield f"{alert.kind} but cleared by {alert.cleared_by}"
    if alert.kind is AlertKind.WINBACK and overdue <= LOST_HABITS:
        yield f"{alert.kind} after {overdue} habits"
    if alert.cleared_by is ClearedBy.ORDER and overdue >= 1.0:
        yield f"{alert.kind} by an order {overdue} habits ago"
    if alert.threshold is None or alert.risk is None:
        return
    if alert.kind is AlertKind.RAISED and alert.risk < alert.threshold:
        yield f"{alert.kind} at risk {alert.risk} and threshold {alert.threshold}"
    if alert.cleared_by is ClearedBy.RISK and alert.risk >= alert.threshold:
        yield f"{alert.kind} at risk {alert.risk} and threshold {alert.threshold}"


def _believed(given: Scored) -> dict[str, float]:
    """The parts that may be reasons: those with the expected sign of their feature; silence is one reason."""
    told, levels = dict(given.parts), dict(given.levels)
    told["days_since_purchase"] += told.pop("silence_ratio")
    silence = (levels["days_since_purchase"], levels["silence_ratio"])
    levels["days_since_purchase"] = max(silence) if told["days_since_purchase"] > 0.0 else min(silence)
    leaving = {feature.name: feature.leaving for feature in FEATURES}
    return {name: part for name, part in told.items() if part * leaving[name] * levels[name] > 0.0}
