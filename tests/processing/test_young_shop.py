"""The risk before, while and after the churn model learns: from the times of orders, from both, from outcomes."""

import math
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import orjson
import pytest
from msgspec import Raw

from stream.alerts.reasons import explain
from stream.errors import SnapshotError
from stream.events.decode import Decoder
from stream.events.kinds import EventKind
from stream.events.times import epoch_ms
from stream.features.registry import FEATURE_NAMES, INPUT_SCALE
from stream.online_models.components.stakes import Stakes
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.purchase_process import PRIOR, Histories, PurchaseProcess
from stream.online_models.purchases_snapshot import PURCHASES, PurchasesSnapshot, TypicalHistory
from stream.online_models.snapshot import ModelSnapshot, decode_snapshot, encode_snapshot
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.scorer import SURE_CUSTOMERS, Scorer
from tests.features.lists_of_events import BEGIN, DAY
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.model import inputs_of
from tests.processing.frozen import SILENCE, frozen
from tests.processing.station import NOW_MS, Station
from tests.processing.test_replay import log_events

RULES = Rules(min_orders=1)
FITTED = PurchaseProcess(r=0.8, alpha=40.0, a=0.6, b=2.0)
TYPICAL = TypicalHistory(x=2.0, last=60.0, age=80.0)


def orders(customer: str, days: list[float]) -> list[tuple[str, Event]]:
    return [
        (
            customer,
            Event(f"{customer}-{k}", EventKind.ORDER_COMPLETED, int(BEGIN + day * DAY), f"{customer}-{k}", 50_000),
        )
        for k, day in enumerate(days)
    ]


def process_risk(process: PurchaseProcess, days: list[float], until: float, horizon: float = 28.0) -> float:
    """By the formulas over arrays."""
    row = [len(days) - 1.0], [days[-1] - days[0]], [until - days[0]]
    return float(process.no_order(Histories(*map(np.array, row)), horizon)[0])


def document_at(log: list[tuple[str, Event]], scorer: Scorer, day: float) -> dict[str, Any]:
    station = Station(log, RULES, scorer)
    station.finish()
    station.advance_to(int(BEGIN + day * DAY))
    found: dict[str, Any] = orjson.loads(station.documents[log[-1][0]])
    return found


def snapshot_of(share: float, customers: int = 500, odds_weight: float = 0.0, hedge: float = 0.0) -> ModelSnapshot:
    """The churn model and the purchase process, of which the latter has ``share`` and is a term of the former."""
    base = frozen(SILENCE)
    published = PurchasesSnapshot(process=FITTED, customers=customers, typical=TYPICAL)
    churn = msgspec.structs.replace(
        base.churn,
        process_share=share,
        process_hedge=hedge,
        slope=1.2,
        shift=0.3,
        odds_weight=odds_weight,
        odds_mean=0.5,
    )
    return msgspec.structs.replace(base, churn=churn, others={PURCHASES: Raw(msgspec.json.encode(published))})


def test_a_customer_has_a_risk_from_the_first_order_on_and_one_without_an_order_has_none() -> None:
    first = Scorer.first(28.0)
    view = ("bob", Event("view", EventKind.PAGE_VIEWED, BEGIN, ""))
    document = document_at([view, *orders("ada", [0.0])], first, 0.0)
    assert document["risk"] == pytest.approx(process_risk(PRIOR, [0.0], 0.0), abs=1e-6)
    assert (document["risk_from"], document["risk_sure"]) == ("orders", "low")
    station = Station([view], RULES, first)
    station.finish()
    assert not {"risk", "risk_from", "risk_sure", "reasons"} & orjson.loads(station.documents["bob"]).keys()


@pytest.mark.parametrize("odds_weight", [0.0, 0.7, -0.4])
@pytest.mark.parametrize(
    ("share", "hedge", "told"),
    [
        (0.9, 0.0, ("both", "medium")),
        (0.25, 0.6, ("both", "medium")),
        (0.05, 0.0, ("outcomes", "high")),
        (0.05, 0.02, ("outcomes", "high")),
        # the process has much of the risk because outcomes have shown that it is right
        (0.05, 0.1, ("both", "high")),
        (0.0, 0.0, ("outcomes", "high")),
        (0.0, 0.9, ("both", "high")),
    ],
)
def test_the_risk_is_a_mean_in_log_odds_of_the_model_and_the_process(
    share: float, hedge: float, told: tuple[str, str], odds_weight: float
) -> None:
    log = orders("ada", [0.0, 9.0, 22.0, 30.0])
    scorer = Scorer.of(snapshot_of(share, odds_weight=odds_weight, hedge=hedge))
    document = document_at(log, scorer, 60.0)
    as_of = epoch_ms(datetime.fromisoformat(document["as_of"]))
    known = features_at([event for _, event in log], as_of)
    alone = log_odds(process_risk(FITTED, [0.0, 9.0, 22.0, 30.0], (as_of - BEGIN) / DAY))
    learned = log_odds(SILENCE.risk(known)) + odds_weight * (alone - 0.5)
    # a snapshot is calibrated already: the shift does not belong to the means
    mean = (1.0 - share) * (learned - 0.3) + share * 1.2 * alone
    expected = (1.0 - hedge) * mean + hedge * 1.2 * alone + 0.3
    assert log_odds(document["risk"]) == pytest.approx(expected, abs=5e-3)
    assert (document["risk_from"], document["risk_sure"]) == told
    inputs = np.array([inputs_of(known)[name] for name in FEATURE_NAMES]) / INPUT_SCALE
    assert scorer.score is not None
    explanation = explain(inputs, scorer.score, dict(known), top=len(FEATURE_NAMES))
    assert explanation.logit == pytest.approx(log_odds(document["risk"]), abs=1e-4)
    parts = math.fsum(reason.contribution for reason in explanation.reasons)
    assert explanation.baseline + parts + explanation.rest == pytest.approx(explanation.logit)
    told_parts = {reason.feature: reason.contribution for reason in explanation.reasons}
    assert document["reasons"] == pytest.approx({name: told_parts[name] for name in document["reasons"]}, abs=1e-3)


def test_silence_is_a_reason_once_it_is_longer_than_the_customer_s_own_gap() -> None:
    snapshot = snapshot_of(1.0)
    alone = Scorer.of(msgspec.structs.replace(snapshot, churn=msgspec.structs.replace(snapshot.churn, ready=False)))
    days = [0.0, 10.0, 20.0, 30.0]
    assert document_at(orders("ada", days), alone, 38.0)["reasons"]["days_since_purchase"] < 0.0
    document = document_at(orders("ada", days), alone, 72.0)
    as_of = (epoch_ms(datetime.fromisoformat(document["as_of"])) - BEGIN) / DAY
    silence = log_odds(process_risk(FITTED, days, as_of)) - log_odds(process_risk(FITTED, days, 40.0))
    assert silence > 0.5
    assert document["reasons"]["days_since_purchase"] == pytest.approx(silence, abs=0.01)
    once = document_at(orders("bob", [0.0]), alone, 40.0)["reasons"]
    assert once["purchase_days"] > 0.0, "few orders raise the risk"


def test_the_first_estimate_is_a_fair_one_when_enough_customers_were_seen() -> None:
    for customers, sure in ((SURE_CUSTOMERS - 1, "low"), (SURE_CUSTOMERS, "medium")):
        snapshot = snapshot_of(1.0, customers)
        scorer = Scorer.of(
            msgspec.structs.replace(snapshot, churn=msgspec.structs.replace(snapshot.churn, ready=False))
        )
        assert (scorer.risk_from, scorer.risk_sure) == ("orders", sure)


def test_a_damaged_process_and_an_invalid_share_are_refused() -> None:
    good = snapshot_of(0.5)
    assert decode_snapshot(encode_snapshot(good)).purchases() == PurchasesSnapshot(
        process=FITTED, customers=500, typical=TYPICAL
    )
    for process in ('{"process":{"r":0,"alpha":1,"a":1,"b":1},"customers":1}', '{"customers":1}'):
        with pytest.raises(SnapshotError, match="purchase"):
            encode_snapshot(msgspec.structs.replace(good, others={PURCHASES: Raw(process.encode())}))
    with pytest.raises(SnapshotError, match="share"):
        encode_snapshot(msgspec.structs.replace(good, churn=msgspec.structs.replace(good.churn, process_share=1.5)))
    with pytest.raises(SnapshotError, match="share"):
        encode_snapshot(snapshot_of(0.5, hedge=-0.1))
    with pytest.raises(SnapshotError, match="purchase process"):
        encode_snapshot(snapshot_of(0.5, odds_weight=math.inf))


@pytest.mark.parametrize("customers", [1, 10, 30, 80])
def test_in_a_shop_of_a_few_customers_everybody_with_an_order_has_a_risk_at_any_time(customers: int) -> None:
    """And from nothing but the times of orders."""
    generator = np.random.default_rng(customers)
    log = [
        entry
        for number in range(customers)
        for entry in orders(f"c{number}", np.cumsum(generator.exponential(12.0, 6)).tolist())
    ]
    log.sort(key=lambda entry: entry[1].at)
    learner = Learner(LearnerSettings(min_labels=10**6))
    replay = Replay(Rules(alerts_per_week=20.0, overdue_at=2.0), learner, Decoder(), NOW_MS, run_records=10)
    for _ in replay.run(log_events(log)):
        documents = [orjson.loads(document) for document in replay.documents.values()]
        assert all(0.0 < document["risk"] < 1.0 for document in documents)
    replay.advance_to(int(BEGIN + 200 * DAY))
    late = [orjson.loads(document) for document in replay.documents.values()]
    assert {document["risk_from"] for document in late} == {"orders"}
    assert min(document["risk"] for document in late) > 0.5, "nobody has ordered for months"
    assert not learner.ready
    # alerts are known too, after a week with overdue customers
    if customers >= 30:
        assert learner.of(Stakes).snapshot() is not None
        assert replay.counters.alerts_raised > 0


def log_odds(risk: float) -> float:
    return math.log(risk / (1.0 - risk))
