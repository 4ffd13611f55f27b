"""A customer document with everything that depends on time computed again."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from stream.alerts.reasons import explain
from stream.catalogue.declaring import Money
from stream.catalogue.wording import HABIT, plain_money
from stream.events.times import rfc3339
from stream.features.registry import FEATURE_NAMES, FEATURES, INPUT_SCALE
from stream.features.stages import Stage, StageCause
from stream.processing.document import MAIN_REASONS
from stream.reporting.advice import reason_of
from stream.reporting.assess import Basis, Standing, assess_one

__all__ = ["SCORES", "Refreshed", "refreshed", "without_scores"]

_PLACES: Final = 4
#: Fields that models make of a customer.
SCORES: Final = frozenset(
    {
        *("risk", "risk_from", "risk_sure", "reasons", "at_risk_from", "value_at_risk", "segment", "next_order"),
        *("expected_orders", "expected_spend", "lifetime_value", "model_version"),
    }
)

#: Fields that are there where there is a risk.
_OF_RISK: Final = ("reasons", "risk_from", "risk_sure")


class Refreshed(NamedTuple):
    """A customer at the stated time.

    ``fields``: those of the document without ``state``. ``features``: all of them, None is not known. ``reasons``:
    (contribution in log-odds, sentence), those that raise the risk first. ``standing``: one sentence on where the
    customer stands with the shop. ``is_withheld``: there are no scores, as the customer does not agree to them.
    """

    fields: dict[str, Any]
    features: dict[str, float | None]
    reasons: list[tuple[float, str]]
    standing: str
    is_withheld: bool = False


def without_scores(now: Refreshed) -> Refreshed:
    """The same without what models make of the customer, who does not agree to it."""
    fields = {name: value for name, value in now.fields.items() if name not in SCORES}
    return now._replace(fields={**fields, "alert": False}, reasons=[], is_withheld=True)


def refreshed(document: bytes, fields: dict[str, Any], basis: Basis, money: Money = plain_money) -> Refreshed:
    """Compute ``document`` again at the time of ``basis``; ``fields``: the same, decoded. Raises `CodecError`.

    ``money`` writes the amounts in reasons.
    """
    some = assess_one(document, basis)
    known = zip(FEATURE_NAMES, some.values[0].tolist(), strict=True)
    features = {name: None if math.isnan(value) else value for name, value in known}
    changing = {
        "risk": (some.risk[0], 6),
        "value_at_risk": (some.worth.at_risk[0], 2),
        "expected_orders": (some.worth.orders[0], 3),
        "expected_spend": (some.worth.spend[0], 2),
        "lifetime_value": (some.worth.lifetime[0], 2),
    }
    kept = {name: value for name, value in fields.items() if name not in {*changing, *_OF_RISK, "state", "features"}}
    stage = Stage(some.stage[0]).code
    if kept.get("stage", stage) != stage:
        # silence has led on since the document was stored
        kept |= {"stage": stage, "stage_why": StageCause.SILENCE.code}
        del kept["stage_since"]
    told: dict[str, object] = {
        name: round(float(value), places) for name, (value, places) in changing.items() if not math.isnan(value)
    }
    reasons: list[tuple[float, str]] = []
    if basis.scorer.score is not None and "risk" in told:
        values = {**features, HABIT: float(some.habit_days[0])}
        explained = explain(some.inputs[0] / INPUT_SCALE, basis.scorer.score, values, top=MAIN_REASONS, money=money)
        told["reasons"] = {reason.feature: round(reason.contribution, 3) for reason in explained.reasons}
        told["risk_from"], told["risk_sure"] = basis.scorer.risk_from, basis.scorer.risk_sure
        told["model_version"] = basis.scorer.model.version
        reasons = [(reason.contribution, reason.sentence) for reason in explained.reasons]
    shown = {
        feature.name: round(value, _PLACES)
        for feature in FEATURES
        if (value := features[feature.name]) is not None and value != feature.absent
    }
    standing = Standing(some.standing[0])
    sentence = standing.text
    if standing is not Standing.PROSPECT:
        silent, days = float(some.silent_days[0]), float(features["purchase_days"] or 0.0)
        sentence = f"{standing.text}: {reason_of(silent, float(some.habit_days[0]), days)}"
    return Refreshed(
        {**kept, **told, "as_of": rfc3339(basis.now_ms), "standing": standing.text, "features": shown},
        features,
        sorted(reasons, key=lambda reason: (reason[0] < 0, -abs(reason[0]))),
        sentence,
    )
