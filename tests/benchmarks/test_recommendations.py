"""References of recommendations against their definitions, and how a log is played."""

import argparse

import numpy as np
import pandas as pd
import pytest

from benchmarks.recommendation_fold import folded, records_of
from benchmarks.recommendation_references import Ease, References
from benchmarks.recommendations import baskets_of, figures, judged
from stream.recommending.shop_tables import Bounds


def test_ease_is_a_ridge_regression_of_each_item_on_the_others() -> None:
    random = np.random.default_rng(2)
    bought = (random.random((30, 6)) < 0.4).astype(float)
    ease = Ease(6, 2.0, 1)
    for row in bought:
        owned = np.flatnonzero(row).tolist()
        # in two orders, as customers buy
        ease.count([], owned[:2])
        ease.count(owned[:2], owned[2:])
    ease.refit(0)
    for item in range(6):
        others = [k for k in range(6) if k != item]
        x, y = bought[:, others], bought[:, item]
        fitted = np.linalg.solve(x.T @ x + 2.0 * np.eye(5), x.T @ y)
        found = [ease.scores([other])[item] for other in others]
        assert found == pytest.approx(fitted, abs=1e-4)


def test_lines_become_orders_and_are_judged_before_they_count() -> None:
    lines = pd.DataFrame(
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
    log = baskets_of(lines, columns)
    assert sorted(log.names) == ["10000", "10001", "10002"]
    assert [len(basket.items) for basket in log.baskets] == [2] * 24
    records = records_of(log, 20)
    assert [record.offset for record in records] == [*range(20)]
    # the same orders in steps of any size: only the time may differ
    assert folded(records, 0, 7)["bytes"] == folded(records, 0, 20)["bytes"] > 0
    found = judged(log, References(3, None), 1, Bounds(100, 10), 100)
    assert {len(of) for of in found.every.values()} == {22}
    # each customer buys the third item once for the first time, after the other two
    assert {len(of) for of in found.new.values()} == {2}
    rows = {row[0]: row for row in figures(found.every)}
    assert float(rows["stream"][1]) == pytest.approx(found.every["stream"][:, 0].mean(), abs=5e-5)
    assert rows["stream"][4] == ""
