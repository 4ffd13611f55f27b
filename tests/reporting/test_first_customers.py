"""Stages, tiers and next dates from the first customer on, against an independent copy of the rules."""

from datetime import datetime
from typing import Any

import orjson
import pandas as pd
import pytest

from stream.reporting.summary import stage_lines
from stream.reporting.today import list_today
from tests.reporting.conftest import Processed, processed
from tests.reporting.independent import habits
from tests.reporting.made_up_shop import DAY_MS
from tests.reporting.test_today import SINCE_MS, WRITING

HORIZON_DAYS = 28.0
BY_SILENCE = ("due", "at risk", "lapsed", "lost")
#: Lowest value of a tier.
TIERS = (("VIP", 4.5), ("high", 3.5), ("middle", 2.5), ("low", 0.0))


@pytest.fixture(scope="module", params=[1, 10, 40])
def shop(request: pytest.FixtureRequest) -> Processed:
    return processed(request.param)


def silence_stage(silent: float, habit: float) -> str | None:
    """The stage of silence, both in days; None: the next order is not due."""
    lost = max(3.0 * habit, HORIZON_DAYS)
    begins = (habit, min(max(1.5 * habit, 7.0), lost), min(max(2.0 * habit, 14.0), lost), lost)
    passed = [stage for stage, after in zip(BY_SILENCE, begins, strict=True) if silent >= after]
    return passed[-1] if passed else None


def documents_of(shop: Processed) -> list[dict[str, Any]]:
    return [orjson.loads(document) for document in shop.documents]


def test_everybody_is_in_the_stage_of_the_rules(shop: Processed) -> None:
    expected = habits(shop.shop, shop_gap=shop.basis.shop_gap_days)
    stages = [silence_stage(*row) for row in expected[["silent", "habit"]].itertuples(index=False)]
    found = list_today(shop.documents, shop.basis, since_ms=SINCE_MS, limit=10)
    assert sum(found.stages.values()) == found.customers == len(expected)
    counted = pd.Series([stage for stage in stages if stage], dtype=object).value_counts().to_dict()
    assert {stage: count for stage, count in found.stages.items() if stage in BY_SILENCE} == counted
    lines = [*stage_lines(found, WRITING)]
    assert lines[0].startswith("By stage: ")
    assert lines[1].startswith("By value: ")


def test_everybody_has_a_value_and_the_tier_that_follows_from_it(shop: Processed) -> None:
    documents = documents_of(shop)
    for document in documents:
        rfm = document["rfm"]
        assert all(1 <= rfm[score] <= 5 for score in ("recency", "frequency", "money"))
        value = 0.2 * rfm["recency"] + 0.3 * rfm["frequency"] + 0.5 * rfm["money"]
        assert rfm["value"] == pytest.approx(value, abs=0.005)
        by_value = next(tier for tier, least in TIERS if rfm["value"] >= least)
        assert rfm["tier"] == ("new" if document["stage"] == "new" else by_value)
    found = list_today(shop.documents, shop.basis, since_ms=SINCE_MS, limit=10)
    assert found.tiers == pd.Series([one["rfm"]["tier"] for one in documents]).value_counts().to_dict()


def test_the_next_order_is_expected_a_habit_after_the_last_one(shop: Processed) -> None:
    for document in documents_of(shop):
        if document["stage"] == "lost":
            assert "next_order" not in document
            continue
        last = datetime.fromisoformat(document["last_order_at"]).timestamp() * 1000
        habit = document["usual_gap_days"] * DAY_MS
        for name, habits_after in (("from", 0.25), ("at", 1.0), ("until", 3.0)):
            at = datetime.fromisoformat(document["next_order"][name]).timestamp() * 1000
            # instants are shown to the second, habits to a hundredth of a day
            assert at == pytest.approx(last + habits_after * habit, abs=habits_after * 0.005 * DAY_MS + 1000)
