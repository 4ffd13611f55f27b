"""Chances given before their labels were known, computed again lead by lead."""

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score  # type: ignore[import-untyped]  # it ships no types

from benchmarks.leads import HORIZON_WEEKS, NOW_WEEK, cohorts, simulated
from stream.leads.chance import PRIOR_LEADS, PRIOR_ORDERS, ChanceModel
from stream.leads.lead_record import HALF_LIFE_WEEKS, learned
from stream.leads.signs import landmarks_of


def test_each_chance_is_of_a_model_of_the_labels_that_had_matured_by_then() -> None:
    shop = simulated(150, 0.05, seed=1)
    labels = sorted(
        (week, landmark.cell, landmark.wait is not None and landmark.wait < HORIZON_WEEKS)
        for lead in shop.leads
        for week, landmark in landmarks_of(lead).items()
        if week + HORIZON_WEEKS <= NOW_WEEK
    )
    chances, rates = [], []
    models: dict[int, ChanceModel] = {}
    for week, cell, _ in labels:
        past = [label for label in labels if label[0] + HORIZON_WEEKS <= week]
        if week not in models:
            models[week] = ChanceModel()
            for of_week, of_cell, ordered in past:
                age = week - of_week - HORIZON_WEEKS
                news = 1 if of_cell[-1] == "0" else 1 / HORIZON_WEEKS
                weight = news * 0.5 ** (age / HALF_LIFE_WEEKS)
                models[week].learn(of_cell, weight, weight * ordered)
        chances.append(models[week].chances([cell])[0])
        rates.append((sum(ordered for _, _, ordered in past) + PRIOR_ORDERS) / (len(past) + PRIOR_LEADS))
    y = np.array([ordered for _, _, ordered in labels])
    chance = np.array(chances)
    record = learned(cohorts(shop.leads), NOW_WEEK, HORIZON_WEEKS).record
    assert (record.leads, record.orders) == (len(y), y.sum())
    assert record.mean_chance == pytest.approx(chance.mean())
    assert record.auc == pytest.approx(roc_auc_score(y, chance.round(9)), abs=1e-4)
    assert record.log_loss == pytest.approx(log_loss(y, chance))
    assert record.base_rate_log_loss == pytest.approx(log_loss(y, rates))
    bins = np.minimum((chance * 15).astype(int), 14)
    gaps = [abs((chance[bins == k] - y[bins == k]).sum()) for k in range(15)]
    assert record.ece == pytest.approx(sum(gaps) / len(y))


def test_the_chances_are_better_than_the_share_of_orders_and_calibrated() -> None:
    shop = simulated(1000, 0.05, seed=2)
    record = learned(cohorts(shop.leads), NOW_WEEK, HORIZON_WEEKS).record
    assert record.auc is not None
    assert record.auc > 0.78
    assert record.log_loss is not None
    assert record.base_rate_log_loss is not None
    assert record.log_loss < record.base_rate_log_loss - 0.03
    assert record.ece is not None
    assert record.ece < 0.03


def test_without_a_label_there_are_no_figures() -> None:
    record = learned({}, NOW_WEEK, HORIZON_WEEKS).record
    assert (record.leads, record.auc, record.log_loss, record.ece) == (0, None, None, None)


def test_a_label_counts_only_when_its_horizon_is_over() -> None:
    weeks = {100: {"40000": [10, 5]}}
    early, late = (learned(weeks, 100 + after, 4) for after in (3, 4))
    assert (early.record.leads, early.model.counts) == (0, {})
    assert (late.record.leads, late.record.orders) == (10, 5)
    before = float(ChanceModel().chances(["40000"])[0])
    assert late.record.log_loss == pytest.approx(-0.5 * math.log(before) - 0.5 * math.log1p(-before))
