"""References of recommendations against their definitions, and how a log is played."""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from benchmarks.recommendation_fold import folded, records_of
from benchmarks.recommendation_judging import best_of, figures, judge_references
from benchmarks.recommendation_log import Basket, Floats, Log, LogMatrix, baskets_of
from benchmarks.recommendation_references import Blend, Ease, ItemKnn, Own, Past, Popular, Shoppers, TifuKnn
from benchmarks.recommendations import judged_orders, played
from stream.recommending.shop_tables import Bounds

ITEMS = 6
DAY_H = 24
#: 1970-01-05 was a Monday.
MONDAY_H = 4 * DAY_H


def made_up(customers: int = 20, orders: int = 9, seed: int = 2) -> LogMatrix:
    """Orders of a day each, a customer after the other."""
    rng = np.random.default_rng(seed)
    baskets = [
        Basket(customer, day * DAY_H + customer, np.flatnonzero(rng.random(ITEMS) < 0.3).tolist() or [0])
        for day in range(orders)
        for customer in range(customers)
    ]
    return LogMatrix(Log(baskets, [str(k) for k in range(ITEMS)], [None] * ITEMS))


LOG = made_up()
SINCE_H = 5 * DAY_H
#: The last order of each customer.
LAST = np.arange(len(LOG.hour) - LOG.customers, len(LOG.hour))


def own_orders(order: int, until: int | None = None) -> list[int]:
    """Earlier orders of the customer of an order, or those before ``until``, the newest last."""
    before = np.arange(order if until is None else until)
    return [int(one) for one in before if LOG.customer[one] == LOG.customer[order]]


def lines(order: int) -> Floats:
    return np.asarray(LOG.bought[[order]].toarray()[0], np.float64)


def summed(rows: Sequence[Floats]) -> Floats:
    return np.asarray(np.sum([np.zeros(ITEMS), *rows], axis=0), np.float64)


def owned_until(order: int, until: int | None = None) -> Floats:
    return np.asarray(summed([lines(one) for one in own_orders(order, until)]) > 0, np.float64)


def test_a_history_has_all_earlier_orders_of_the_customer_and_only_them() -> None:
    found = LOG.history(LAST, lambda earlier: np.ones(len(earlier.row))).toarray()
    for row, order in zip(found, LAST.tolist(), strict=True):
        assert row.tolist() == summed([lines(one) for one in own_orders(order)]).tolist()
    decayed = Own(2.0)
    decayed.fit(Past(LOG, SINCE_H, ITEMS))
    row = decayed.scores(Shoppers(LOG, LAST))[3]
    order = int(LAST[3])
    wanted = summed([0.5 ** ((LOG.hour[order] - LOG.hour[one]) / 48.0) * lines(one) for one in own_orders(order)])
    assert row == pytest.approx(wanted + 1e-3 * Past(LOG, SINCE_H, ITEMS).popular, abs=1e-5)


def test_ease_is_a_ridge_regression_of_each_item_on_the_others() -> None:
    past = Past(LOG, SINCE_H, ITEMS)
    ease = Ease(2.0)
    ease.fit(past)
    bought = past.owned.toarray().astype(np.float64)
    own = Shoppers(LOG, LAST).owned.toarray()
    scores = ease.scores(Shoppers(LOG, LAST))
    for item in range(ITEMS):
        others = [k for k in range(ITEMS) if k != item]
        x, y = bought[:, others], bought[:, item]
        fitted = np.linalg.solve(x.T @ x + 2.0 * np.eye(ITEMS - 1), x.T @ y)
        assert scores[:, item] == pytest.approx(own[:, others] @ fitted, abs=1e-3)


def test_item_knn_takes_the_most_alike_of_each_own_item() -> None:
    past = Past(LOG, SINCE_H, ITEMS)
    model = ItemKnn(2, 3.0)
    model.fit(past)
    bought = past.owned.toarray().astype(np.float64)
    alike = np.zeros((ITEMS, ITEMS))
    for one in range(ITEMS):
        for other in set(range(ITEMS)) - {one}:
            lengths = np.linalg.norm(bought[:, one]) * np.linalg.norm(bought[:, other])
            alike[one, other] = bought[:, one] @ bought[:, other] / (lengths + 3.0)
        alike[one, alike[one] < np.sort(alike[one])[-2]] = 0.0
    own = np.stack([owned_until(order) for order in LAST.tolist()])
    assert model.scores(Shoppers(LOG, LAST)) == pytest.approx(own @ alike, abs=1e-4)


def test_tifu_knn_weighs_groups_of_seven_orders_and_the_nearest_customers() -> None:
    past = Past(LOG, SINCE_H, ITEMS)
    model = TifuKnn(0.9, 0.6, 0.7, 3)
    model.fit(past)
    scores = model.scores(Shoppers(LOG, LAST))

    def vector(orders: list[int]) -> Floats:
        groups = -(-len(orders) // 7)
        weights = [0.9 ** (back % 7) * 0.6 ** (back // 7) / 7 / groups for back in range(len(orders))]
        return summed([w * lines(one) for w, one in zip(weights, reversed(orders), strict=True)])

    until = past.orders
    for row, order in zip(scores, LAST.tolist(), strict=True):
        own = vector(own_orders(order))
        others = [int(one) for one in LAST if one != order]
        far = {one: float(((own - vector(own_orders(one, until))) ** 2).sum()) for one in others}
        nearest = sorted(others, key=far.__getitem__)[:3]
        around = summed([vector(own_orders(one, until)) for one in nearest]) / 3
        assert row == pytest.approx(0.7 * own + 0.3 * around, abs=1e-4)


def test_references_know_own_items_until_the_order_and_all_else_until_monday() -> None:
    orders = judged_orders(LOG, MONDAY_H, int(LOG.hour[-1]) + 1, 3)
    assert {int(one) % 3 for one in LOG.customer[orders]} == {0}
    found = judge_references(LOG, orders, {"p": Popular(), "o": Own(90.0)}, refit_weeks=1, items=ITEMS)
    assert len(found["p"].every) == len(orders)
    # six items: a list of ten has them all, so what counts is their order
    assert found["p"].every[:, 1].min() == 1.0
    at_monday = np.asarray(LOG.bought[: LOG.first_from(MONDAY_H)].sum(0)).ravel()
    first = int(orders[0])
    ranked = np.argsort(-at_monday, kind="stable")
    gains = [1 / np.log2(place + 2) for place, item in enumerate(ranked) if lines(first)[item]]
    ideal = sum(1 / np.log2(place + 2) for place in range(int(lines(first).sum())))
    assert found["p"].every[0, 0] == pytest.approx(sum(gains) / ideal)
    # nothing new was bought by who owned all of it before
    nothing_new = [not (lines(one) * (1 - owned_until(one))).any() for one in orders.tolist()]
    assert np.isnan(found["p"].new[:, 0]).tolist() == nothing_new
    assert best_of(found, new=False) in found


def test_a_blend_adds_what_both_say() -> None:
    past, shoppers = Past(LOG, SINCE_H, ITEMS), Shoppers(LOG, LAST)
    own, ease = Own(30.0), Ease(5.0)
    blend = Blend(own, ease, 0.5)
    blend.fit(past)
    assert blend.scores(shoppers) == pytest.approx(own.scores(shoppers) + 0.5 * ease.scores(shoppers), abs=1e-5)


def test_lines_become_orders_and_are_judged_before_they_count() -> None:
    table = pd.DataFrame(
        [
            ("2026-01-05", c, f"{c}{k}", item, "1")
            for k in range(12)
            for c in "ab"
            for item in ("10000", "10001" if k % 2 else "10002", "POST")
        ]
        + [("2026-01-05", None, "x", "10003", "1"), ("2026-01-05", "c", "y", "10004", "-1")],
        columns=["ts", "who", "order", "code", "n"],
    )
    columns = argparse.Namespace(
        time="ts",
        customer="who",
        order="order",
        item="code",
        category=None,
        positive="n",
        keep=r"\d{5}",
        drop=["code=4$"],
    )
    log = baskets_of(table, columns)
    assert sorted(log.names) == ["10000", "10001", "10002"]
    assert [len(basket.items) for basket in log.baskets] == [2] * 24
    records = records_of(log, 20)
    assert [record.offset for record in records] == [*range(20)]
    # the same orders in steps of any size: only the time may differ
    assert folded(records, 0, 7)["bytes"] == folded(records, 0, 20)["bytes"] > 0
    matrix = LogMatrix(log)
    orders = judged_orders(matrix, 0, int(matrix.hour[-1]) + 1, 1)
    found = played(log, orders, Bounds(100, 10))
    assert len(orders) == len(found.judged.every) == 22
    # each customer buys the third item once for the first time, after the other two
    assert np.isfinite(found.judged.new[:, 0]).sum() == 2
    rows = {row[0]: row for row in figures({"stream": found.judged.every}, "stream")}
    assert float(rows["stream"][1]) == pytest.approx(found.judged.every[:, 0].mean(), abs=5e-5)
    assert rows["stream"][4] == ""
