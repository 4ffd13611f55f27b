"""Complaints in a real shop's log: second alerts, drops of satisfaction and the effect of answers, against lists.

The orders are real, of a shop that sells to other shops; complaints, scores and answers are drawn. So who was answered
has no effect on the orders, unless the test takes orders away.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest

from stream.alerts.alert_records import Alert, AlertKind, Cause
from stream.cli.bundled import bundled
from stream.events.kinds import EventType
from stream.events.log import read_log
from stream.events.times import epoch_ms
from stream.notifications.complaint_effect import Complained, complaint_effect
from stream.notifications.effect import MoneyMove
from stream.processing.state import Outgoing
from stream.projections.complaints import Complaints
from stream.projections.satisfaction import HALF_LIFE_DAYS, Satisfaction
from stream.settings import Settings
from tests.projections.store import Store

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
AGAIN_H = 36.0
SETTINGS = Settings(complaint_again_h=AGAIN_H, satisfied_from=0.75, dropped_below=0.4)
FEEDBACK, ACTIONS = 0, 1


class ToldFeedback(NamedTuple):
    """A feedback. ``score``: on NPS; None: a complaint. ``acted_ms``, ``resolved_ms``: when, if it was."""

    id: str
    customer: str
    at_ms: int
    score: int | None
    acted_ms: int | None = None
    resolved_ms: int | None = None

    @property
    def answered_ms(self) -> int | None:
        return min((at_ms for at_ms in (self.acted_ms, self.resolved_ms) if at_ms is not None), default=None)


@pytest.fixture(scope="module")
def orders() -> dict[str, list[MoneyMove]]:
    found: dict[str, list[MoneyMove]] = {}
    for event in read_log(bundled("uci_online_retail_events.csv.gz")):
        body = orjson.loads(event.value)
        if event.event_type is EventType.PURCHASE and body["name"] == "completed":
            move = MoneyMove(event.at_ms, float(body.get("amount") or 0.0), is_order=True)
            found.setdefault(event.customer_id, []).append(move)
    assert len(found) > 3000
    return found


@pytest.fixture(scope="module")
def told(orders: dict[str, list[MoneyMove]]) -> list[ToldFeedback]:
    """After some orders a score or a complaint, in time order; half of the complaints are answered within a day."""
    draw, found = Random(4), []
    for customer, moves in sorted(orders.items()):
        for number, move in enumerate(moves):
            if draw.random() > 0.35:
                continue
            at_ms = move.at_ms + draw.randrange(60 * DAY_MS)
            if draw.random() < 0.6:
                found.append(ToldFeedback(f"{customer}-{number}", customer, at_ms, draw.choice([0, 2, 8, 10, 10])))
                continue
            wait_h = draw.choice([draw.uniform(0.1, 23.9), draw.uniform(24.1, 200), None])
            answer = None if wait_h is None else at_ms + round(wait_h * HOUR_MS)
            is_action = draw.random() < 0.5
            found.append(
                ToldFeedback(
                    f"{customer}-{number}", customer, at_ms, None, *((answer, None) if is_action else (None, answer))
                )
            )
    return sorted(found, key=lambda one: (one.at_ms, one.id))


def bodies(told: Sequence[ToldFeedback]) -> Iterator[tuple[int, int, str, dict[str, Any]]]:
    """Time, input, customer and record of everything that was said and done."""
    for one in told:
        said = {"event_id": one.id, "customer_id": one.customer, "occurred_at": one.at_ms / 1000}
        score: dict[str, Any] = {"name": "complained", "ticket_id": f"t-{one.id}"}
        if one.score is not None:
            score = {"name": "rated", "scale": "nps", "value": one.score}
        yield one.at_ms, FEEDBACK, one.customer, said | score
        if one.resolved_ms is not None:
            closed = {"event_id": f"r-{one.id}", "occurred_at": one.resolved_ms / 1000, "name": "resolved"}
            yield one.resolved_ms, FEEDBACK, one.customer, said | closed | {"ticket_id": f"t-{one.id}"}
        if one.acted_ms is not None:
            act = {"action_id": f"a-{one.id}", "action": "contacted", "occurred_at": one.acted_ms / 1000}
            yield one.acted_ms, ACTIONS, one.customer, {"customer_id": one.customer} | act


def alerts_of(projection: Any, told: Sequence[ToldFeedback], inputs: set[int]) -> list[Alert]:
    """What is published while the log is read in batches of a week; timers fire when all before them has been read."""
    store = Store(projection, 0, cache=100, at_ms=max(at_ms for at_ms, *_ in bodies(told)) + 400 * DAY_MS)
    in_order = sorted((one for one in bodies(told) if one[1] in inputs), key=lambda one: (one[0], one[1], one[2]))
    published: list[Outgoing] = []
    for (at_ms, source, customer, body), (next_ms, *_) in pairwise(
        [*in_order, (in_order[-1][0] + 400 * DAY_MS, 0, "", {})]
    ):
        store.append(source, customer, orjson.dumps(body))
        if at_ms // (7 * DAY_MS) != next_ms // (7 * DAY_MS):
            published += store.step(100_000, lost=False)
            published += store.fire(next_ms)
    assert store.is_done
    return [msgspec.json.decode(one.value or b"", type=Alert) for one in published if one.topic == "alerts"]


def feedback_id(alert: Alert) -> str:
    assert alert.heard is not None
    return alert.heard.feedback_id


def test_each_complaint_is_told_at_once_and_again_if_nobody_acted_in_time(told: list[ToldFeedback]) -> None:
    # within a week of reading a customer may be answered late: only what nobody did before the batch ended repeats
    complaints = [one for one in told if one.score is None]
    found = alerts_of(Complaints(SETTINGS), told, {FEEDBACK, ACTIONS})
    assert {alert.kind for alert in found} == {AlertKind.COMPLAINT}
    at_once = [feedback_id(alert) for alert in found if alert.cause is Cause.EVENT]
    assert sorted(at_once) == sorted(one.id for one in complaints)
    again = {feedback_id(alert): alert for alert in found if alert.cause is Cause.SILENCE}
    assert len(again) == len(found) - len(complaints)
    by_customer: dict[str, list[int]] = {}
    for one in told:
        if one.acted_ms is not None:
            by_customer.setdefault(one.customer, []).append(one.acted_ms)
    for one in complaints:
        due_ms = one.at_ms + round(AGAIN_H * HOUR_MS)
        acts = [at_ms for at_ms in by_customer.get(one.customer, []) if at_ms >= one.at_ms]
        answers = [*acts, *([one.resolved_ms] if one.resolved_ms is not None else [])]
        if all(at_ms > due_ms + 8 * DAY_MS for at_ms in answers):
            assert one.id in again, one
        elif any(at_ms <= due_ms for at_ms in answers):
            assert one.id not in again, one
    for alert in again.values():
        assert alert.heard is not None
        assert alert.heard.open_hours == AGAIN_H
    assert len(complaints) > len(again) > 100


def test_satisfaction_drops_once_between_two_recoveries(told: list[ToldFeedback]) -> None:
    found = alerts_of(Satisfaction(SETTINGS), told, {FEEDBACK})
    expected = set()
    by_customer: dict[str, list[tuple[int, str, ToldFeedback]]] = {}
    for one in told:
        by_customer.setdefault(one.customer, []).append((one.at_ms, one.id, one))
        if one.resolved_ms is not None:
            by_customer[one.customer].append((one.resolved_ms, f"r-{one.id}", one))
    for moments in by_customer.values():
        is_satisfied, known, closed = False, [], set()
        for at_ms, event_id, one in sorted(moments, key=lambda of: of[:2]):
            if event_id == one.id:
                known.append(one)
            else:
                closed.add(one.id)
            newest = max(of.at_ms for of in known)
            weights = [math.exp2((of.at_ms - newest) / DAY_MS / HALF_LIFE_DAYS) for of in known]
            scores = [(0.5 if of.id in closed else 0.0) if of.score is None else of.score / 10 for of in known]
            mean = sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)
            if mean >= SETTINGS.satisfied_from:
                is_satisfied = True
            elif mean < SETTINGS.dropped_below and is_satisfied:
                is_satisfied = False
                expected.add((event_id, at_ms))
    assert {alert.kind for alert in found} == {AlertKind.DROPPED}
    told_of = [(feedback_id(alert), epoch_ms(datetime.fromisoformat(alert.occurred_at))) for alert in found]
    assert len(told_of) == len({*told_of})
    assert {*told_of} == expected
    assert len(expected) > 50


def test_answers_that_change_nothing_show_no_effect_and_those_that_do_show_it(
    orders: dict[str, list[MoneyMove]], told: list[ToldFeedback]
) -> None:
    complaints = [
        Complained(one.customer, one.at_ms, [one.answered_ms] if one.answered_ms is not None else [])
        for one in told
        if one.score is None
    ]
    as_of_ms = max(move.at_ms for moves in orders.values() for move in moves)
    effect = partial(complaint_effect, complaints, within_hours=24.0, horizon_days=60.0, as_of_ms=as_of_ms)
    nothing = effect(orders)
    for difference in (nothing.ordered, nothing.spend):
        assert difference.low is not None
        assert difference.high is not None
        assert difference.low < 0.0 < difference.high
    firsts: dict[str, Complained] = {}
    for one in sorted(complaints, key=lambda one: one.at_ms):
        firsts.setdefault(one.customer_id, one)
    begin, end = 24 * HOUR_MS, 24 * HOUR_MS + 60 * DAY_MS
    over = [one for one in firsts.values() if one.at_ms + end <= as_of_ms]
    assert (nothing.complaints, nothing.pending) == (len(complaints), len(firsts) - len(over))

    def after(one: Complained, moves: dict[str, list[MoneyMove]]) -> list[MoneyMove]:
        return [move for move in moves[one.customer_id] if begin < move.at_ms - one.at_ms <= end]

    for group, is_fast in ((nothing.fast, True), (nothing.waited, False)):
        members = [one for one in over if any(at - one.at_ms <= begin for at in one.answers_ms) is is_fast]
        assert group.customers == len(members) > 300
        assert group.ordered.estimate == pytest.approx(sum(bool(after(one, orders)) for one in members) / len(members))
        money = sum(move.amount for one in members for move in after(one, orders))
        assert group.spend == pytest.approx(money / len(members))

    # every other one of those who waited does not come back
    draw, gone = Random(9), dict(orders)
    lost = 0
    for one in over:
        if not any(at - one.at_ms <= begin for at in one.answers_ms) and draw.random() < 0.5:
            lost += bool(after(one, orders))
            gone[one.customer_id] = [move for move in orders[one.customer_id] if move not in after(one, orders)]
    found = effect(gone)
    assert found.fast == nothing.fast
    assert found.waited.ordered.estimate is not None
    assert nothing.waited.ordered.estimate is not None
    fewer = nothing.waited.ordered.estimate - found.waited.ordered.estimate
    assert fewer == pytest.approx(lost / found.waited.customers)
    assert found.ordered.low is not None
    assert found.ordered.low > 0.0
    assert found.spend.estimate is not None
    assert nothing.spend.estimate is not None
    assert found.spend.estimate > nothing.spend.estimate
    assert list(found.warnings) == []
