"""The bundled logs, turned into exports of shop systems and imported."""

import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.imports.shop import imported

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names of the script, and ``folder`` with what it writes of the first rows of the logs."""
    folder = tmp_path_factory.mktemp("exports")
    script = runpy.run_path(str(ROOT / "examples" / "shop_exports.py"))
    for name, log in (("woocommerce_orders", "ONLINE_RETAIL"), ("shopify_orders", "COMPLETE_JOURNEY")):
        part = folder / f"{name}.csv.gz"
        pd.read_csv(script[log], dtype=str, nrows=8_000).to_csv(part, index=False)
        script["write"](folder / f"{name}.csv", script[name](part))
    items = folder / "grocery_orders.csv.gz"
    pd.read_csv(script["COMPLETE_JOURNEY_ITEMS"], dtype=str, nrows=500).to_csv(items, index=False)
    script["write"](folder / "grocery_orders.csv", script["grocery_orders"](items))
    return {"folder": folder, **script}


def test_importing_the_sample_with_items_gives_each_basket_its_items(made: dict[str, Any]) -> None:
    log = pd.read_csv(made["folder"] / "grocery_orders.csv.gz", dtype=str)
    result = imported(made["folder"] / "grocery_orders.csv")
    assert result.summary.orders == len(log) == 500
    assert result.issues == []
    wanted = {basket: {*items.split("|")} for basket, items in zip(log["basket_id"], log["items"], strict=True)}
    found = {one["order_id"].lstrip("#"): {item["product_id"] for item in one["items"]} for one in result.events}
    assert found == wanted


@pytest.mark.parametrize("name", ["woocommerce_orders", "shopify_orders"])
def test_importing_them_gives_the_orders_money_and_customers_of_the_log(made: dict[str, Any], name: str) -> None:
    log = pd.read_csv(made["folder"] / f"{name}.csv.gz")
    purchases = log[log["type"] == "purchase"]
    orders = purchases[purchases["subtype"].isin(["order", "basket"])]
    returns = purchases[purchases["subtype"] == "return"]
    result = imported(made["folder"] / f"{name}.csv")
    assert result.summary.orders == len(orders) > 1_000
    assert result.summary.customers == orders["customer_id"].nunique()
    assert result.money() == pytest.approx(orders["amount"].sum(), abs=0.001)
    assert result.paid_back() == pytest.approx(-returns["amount"].sum(), abs=0.001)
    assert len(result.events) == len(purchases)
    assert result.issues == []
