"""The time of the day of recommendations is that of the shop's clock, the one by which the shop began."""

import logging
from collections.abc import Sequence
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stream.errors import SettingsError
from stream.projections.recommendations import HEAD, Recommendations
from stream.recommending.fading import HOUR_MS
from stream.recommending.item_shards import shard_of
from stream.recommending.recommended import recommended
from stream.settings import Settings
from tests.projections.store import Store
from tests.projections.test_recommendations import BEGIN_MS, ORDERS, append, body, states, store, tables_of, told

NEW_YORK = "America/New_York"


def of(zone: str) -> Settings:
    return Settings(customer_ids="any", shop_timezone=zone)


def buy(kept: Store, at: datetime, *items: str, name: str = "completed") -> None:
    number = len(kept.logs[ORDERS])
    day = (at.timestamp() - BEGIN_MS / 1000) / 86_400
    order = f"o{number}" if name == "completed" else f"o{number - 1}"
    lines = [{"product_id": item} for item in items]
    kept.append(ORDERS, "x", body(number, "x", day, name=name, order_id=order, items=lines))


def lines_of(kept: Store, item: str) -> Sequence[int]:
    """What is sold of an item in each part of the day."""
    return tables_of(kept).shards[shard_of(item)].sold.of([item])[0][1:]


def test_eight_in_the_morning_is_the_same_part_of_the_day_in_winter_and_in_summer() -> None:
    kept = store(of(NEW_YORK))
    for month in (2, 7):
        buy(kept, datetime(2026, month, 3, 8, 15, tzinfo=ZoneInfo(NEW_YORK)), "rolls")
    kept.step(2, lost=False)
    assert [part for part, lines in enumerate(lines_of(kept, "rolls")) if lines] == [2]


def test_an_order_that_is_returned_after_a_change_of_the_setting_leaves_no_line() -> None:
    kept = store(of(NEW_YORK))
    buy(kept, datetime(2026, 2, 3, 8, tzinfo=ZoneInfo(NEW_YORK)), "rolls")
    buy(kept, datetime(2026, 2, 3, 9, tzinfo=ZoneInfo(NEW_YORK)), "milk")
    kept.step(2, lost=False)
    later = Store(Recommendations(of("Asia/Tokyo")), 0, 3, BEGIN_MS + 3000 * 24 * HOUR_MS)
    later.resume(kept)
    later.partition.restore(kept.partition.state)
    buy(later, datetime(2026, 2, 4, 9, tzinfo=ZoneInfo(NEW_YORK)), "milk", name="cancelled")
    later.step(1, lost=False)
    assert (lines_of(later, "milk"), [*map(bool, lines_of(later, "rolls"))]) == (
        (0,) * 6,
        [False, False, True] + [False] * 3,
    )


@examples(max_examples=20)
@given(told, st.randoms(use_true_random=False))
def test_states_do_not_depend_on_when_the_setting_is_changed(
    events: list[tuple[str, str, int, list[str]]], random: Random
) -> None:
    whole, parts = store(of(NEW_YORK)), store(of(NEW_YORK))
    append(whole, events)
    append(parts, events)
    if events:
        whole.step(len(events), lost=False)
        parts.step(1, lost=False)
    changed = Recommendations(of(random.choice(["UTC", "Asia/Kolkata"])))
    if HEAD in states(parts):
        parts.partition.projection = changed
    while not parts.is_done:
        parts.step(random.randint(1, 4), lost=False)
    assert states(parts) == states(whole)


def test_a_changed_setting_is_told_once_and_counts_when_the_projection_is_built_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept = store(of("UTC"))
    at = datetime(2026, 2, 3, 13, tzinfo=ZoneInfo("UTC"))
    buy(kept, at, "rolls")
    kept.step(1, lost=False)
    kept.partition.projection = Recommendations(of(NEW_YORK))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            buy(kept, at, "rolls")
            kept.step(1, lost=False)
    (told_of,) = caplog.messages
    assert told_of == (
        "shop_timezone is America/New_York, recommendations go on by UTC, by which they began: stream projections"
        " rebuild recommendations"
    )
    again = store(of(NEW_YORK))
    again.logs = kept.logs
    again.step(3, lost=False)
    assert [[*map(bool, lines_of(one, "rolls"))].index(True) for one in (kept, again)] == [3, 2]


def test_what_is_bought_in_the_morning_comes_first_in_the_morning_of_the_shop() -> None:
    kept = store(of("Asia/Tokyo"))
    tokyo = ZoneInfo("Asia/Tokyo")
    for day in range(1, 25):
        buy(kept, datetime(2026, 2, day, 9, tzinfo=tokyo), "rolls")
        buy(kept, datetime(2026, 2, day, 21, tzinfo=tokyo), "wine")
    kept.step(100, lost=False)
    shopper = states(kept)["customer/x"].shopper
    assert shopper is not None
    tables = tables_of(kept)
    for clock, first in ((10, "rolls"), (22, "wine")):
        at = int(datetime(2026, 2, 26, clock, tzinfo=tokyo).timestamp()) // 3600
        assert recommended(shopper, tables, at, 1).again[0].item == first


def test_a_time_zone_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(SettingsError, match="shop_timezone=Mars/Olympus: expected a name such as Europe/London"):
        Recommendations(of("Mars/Olympus"))
