"""Rows of `benchmarks.learning`: those of the shop, with the inputs and the truth of the same customers."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.learning import figures_of_run, tables
from benchmarks.learning_played import Played
from benchmarks.learning_runs import RUNS, Row, Run
from benchmarks.learning_tables import bar_table, unseen_table
from benchmarks.simulated_shops import SHOPS, simulate
from stream.features.registry import COLUMN, INPUT_SCALE

HORIZON = 28
RUN = Run("tiny", "tiny", HORIZON, (Row("tiny, 8-12", (8, 12)), Row("tiny, active", (8, 12), 30.0)))


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    shop = SHOPS["promotions"]._replace(customers=60, days=150)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SHOPS, "tiny", shop)
        patch.setattr("benchmarks.learning_played.REFERENCES", {})
        yield Played(RUN)


def test_rows_are_those_of_the_shop(played: Played) -> None:
    orders = simulate(SHOPS["tiny"], 7)
    first_day = float(np.floor(orders.at.min()))
    rows, truth = played.rows, played.truth()
    assert truth is not None
    for week in (1, 8, 12):
        cut = first_day + 7.0 * week
        chosen = rows.week == week
        before = orders.at < cut
        known = np.unique(orders.customer[before])
        came = np.unique(orders.customer[(orders.at >= cut) & (orders.at < cut + HORIZON)])
        assert chosen.sum() == len(known)
        assert (~rows.churned[chosen]).sum() == len(np.intersect1d(known, came))
        last = sorted(cut - orders.at[before & (orders.customer == k)].max() for k in known)
        assert sorted(rows.recency_days[chosen]) == pytest.approx(last, abs=1e-4)
    # with as many orders, a longer silence makes leaving more likely
    assert np.all((truth > 0.0) & (truth < 1.0))
    silence = played.inputs[:, COLUMN["days_since_purchase"]] / INPUT_SCALE
    assert silence == pytest.approx(np.log1p(rows.recency_days), abs=1.0 / INPUT_SCALE)
    assert np.corrcoef(truth, rows.churned)[0, 1] > 0.2


def test_kept_figures_of_references_are_used_again(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.learning.Played", lambda _: played)
    first = figures_of_run(RUN)
    whole, active = first["churn"]
    assert whole["rows"] > active["rows"] > 0
    assert set(whole["references"]) == {"MBG/NBD"}
    assert whole["truth"]["log_loss"] < whole["baselines"]["base_rate"]["log_loss"]
    whole["references"]["MBG/NBD"]["auc"] = 0.123
    assert figures_of_run(RUN, first)["churn"][0]["references"]["MBG/NBD"]["auc"] == 0.123
    whole["rows"] += 1
    with pytest.raises(SystemExit, match="without --keep"):
        figures_of_run(RUN, first)


def row(**changed: object) -> dict[str, object]:
    return {
        "name": "a row",
        "rows": 1_000,
        "weeks": [20, 48],
        "base_rate": 0.5,
        "auc": 0.8,
        "log_loss": 0.5,
        "brier": 0.2,
        "ece": 0.01,
        "bar": (0.79, 0.51),
        "baselines": {"recency": {"auc": 0.7}, "frequency": {"auc": 0.6}},
        "references": {"one": {"auc": 0.81, "log_loss": 0.52}, "other": {"auc": 0.7, "log_loss": 0.49}},
    } | changed


def test_figures_behind_a_bar_or_the_best_reference_are_bold() -> None:
    assert "**" not in bar_table([row()])
    assert "**0.7800**" in bar_table([row(auc=0.78)])
    assert "**0.0160**" in bar_table([row(ece=0.016)])
    assert "| **0.8000** | **0.5000** | 0.0100 |" in unseen_table([row()])
    assert "| 0.8200 | 0.4800 | 0.0100 |" in unseen_table([row(auc=0.82, log_loss=0.48)])
    assert "**0.0160**" in unseen_table([row(ece=0.016)])


def test_the_first_weeks_of_a_log_have_a_bar_of_their_own() -> None:
    assert "| 0.0190 |" in unseen_table([row(ece=0.019, weeks=[1, 13])])
    assert "**0.0190**" in unseen_table([row(ece=0.019, weeks=[1, 14])])
    assert "**0.0210**" in unseen_table([row(ece=0.021, weeks=[1, 13])])


def test_a_table_with_a_bar_is_written_only_whole() -> None:
    kept = {"CJ 56 d": {"churn": [row()], "value": None}}
    assert [name for _, name in tables(kept)] == ["references"]
    whole = {name: {"churn": [row(bar=one.bar) for one in run.rows], "value": None} for name, run in RUNS.items()}
    assert [name for _, name in tables(whole)] == ["references", "figures"]
