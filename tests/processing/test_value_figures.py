"""Expected and actual money, through the production path and computed again from the file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stream.cli.backtest_value import figures_of_value
from stream.cli.evaluate import score_events
from stream.errors import EventLogError
from stream.events.log import read_log
from stream.processing.rolling_origin import Rows
from stream.processing.value_figures import gini, parts
from stream.settings import Settings

LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"
WEEKS = range(17, 21)
HORIZON = pd.Timedelta(days=28)


def chosen(customer_id: str) -> bool:
    return int(customer_id) % 4 == 1


@pytest.fixture(scope="module")
def told() -> pd.DataFrame:
    log = pd.read_csv(LOG, parse_dates=["ts"], dtype={"customer_id": str, "ref_id": str})
    log = log[log.customer_id.map(chosen) & (log.ts < "2011-05-25")]
    orders, returned = (set(log.ref_id[log.subtype == subtype]) for subtype in ("order", "return"))
    # then no return is bounded by its order, and the actual money is a sum over the file
    assert orders.isdisjoint(returned)
    return log


@pytest.fixture(scope="module")
def rows(told: pd.DataFrame) -> Rows:
    last_ms = int(told.ts.max().timestamp() * 1000)
    events = [event for event in read_log(LOG) if event.at_ms <= last_ms and chosen(event.customer_id)]
    return score_events(sorted(events, key=lambda event: event.at_ms), Settings(horizon_days=28), WEEKS, None)


@pytest.mark.timeout(400)
def test_actual_money_and_deciles_are_those_of_the_file(told: pd.DataFrame, rows: Rows) -> None:
    start = told.ts[told.subtype == "order"].min().normalize()
    money = told.amount.where(told.subtype == "order", -told.amount.abs())
    for week in WEEKS:
        cut = start + pd.Timedelta(weeks=week)
        buyers = told.customer_id[(told.subtype == "order") & (told.ts < cut)].unique()
        of_week = rows.where(rows.week == week)
        for first, orders, spend in (
            (cut, of_week.came_orders, of_week.came_spend),
            (cut - HORIZON, of_week.last_orders, of_week.last_spend),
        ):
            inside = (told.ts >= first) & (told.ts < first + HORIZON) & told.customer_id.isin(buyers)
            came = money[inside].groupby(told.customer_id).sum().reindex(buyers, fill_value=0.0)
            assert np.sort(spend) == pytest.approx(np.sort(came), abs=0.01)
            assert orders.sum() == (inside & (told.subtype == "order")).sum()
    assert np.isfinite(rows.expected_spend).all()

    found = figures_of_value(rows)
    table = pd.DataFrame({"expected": rows.expected_spend, "came": rows.came_spend})
    ranks = table.expected.rank(method="first").sub(1).to_numpy()
    # np.array_split gives the first deciles one row more
    sizes = [len(part) for part in np.array_split(np.arange(len(table)), 10)]
    by_decile = table.groupby(np.searchsorted(np.cumsum(sizes), ranks, side="right")).sum()
    assert [part["expected"] for part in found["deciles"]] == pytest.approx(by_decile.expected.tolist())
    assert [part["came"] for part in found["deciles"]] == pytest.approx(by_decile.came.tolist())
    assert found["spend"]["ratio"] == pytest.approx(table.expected.sum() / table.came.sum())
    assert found["rank_correlation"]["spend"] == pytest.approx(table.corr("spearman").iloc[0, 1])
    # a quarter of the shop over a few weeks: far from exact, but of the right size
    assert 0.5 < found["spend"]["ratio"] < 2.0
    assert found["gini"]["spend"] > found["gini"]["spend_same_as_last_horizon"]


def made_up(customers: int, weeks: int, seed: int) -> Rows:
    generator = np.random.default_rng(seed)
    rows = customers * weeks
    nothing = np.zeros(rows)
    expected = generator.lognormal(3.0, 1.0, rows)
    return Rows(
        week=np.repeat(np.arange(weeks), customers),
        customer=np.tile(np.arange(customers), weeks),
        risk=nothing,
        churned=nothing > 0,
        recency_days=nothing,
        orders=nothing,
        base_rate=nothing,
        process_risk=nothing,
        expected_orders=nothing,
        expected_spend=expected,
        came_orders=nothing,
        came_spend=expected * generator.exponential(1.0, rows),
        last_orders=nothing,
        last_spend=nothing,
    )


def test_the_standard_error_is_how_much_the_ratio_varies_from_shop_to_shop() -> None:
    shops = [parts(rows, rows.expected_spend, rows.came_spend)[0] for rows in (made_up(400, 3, k) for k in range(60))]
    spread = np.std([whole.ratio for whole in shops])
    assert np.mean([whole.error for whole in shops]) == pytest.approx(spread, rel=0.35)


def test_an_order_without_meaning_has_no_gini() -> None:
    generator = np.random.default_rng(1)
    came = generator.exponential(1.0, 50_000)
    assert gini(generator.random(50_000), came) == pytest.approx(0.0, abs=0.02)
    assert gini(came, came) == pytest.approx(0.5, abs=0.02)


def test_rows_of_which_nothing_is_expected_have_no_figures() -> None:
    rows = made_up(5, 1, 1)
    with pytest.raises(EventLogError, match="not ready"):
        figures_of_value(rows._replace(expected_spend=np.full(5, np.nan)))
