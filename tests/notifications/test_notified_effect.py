"""The effect on the page of business: notifications from their topic, orders from the directory."""

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from stream.cli.notified_effect import notified_effect
from stream.directory.database import reading
from stream.directory.purchase_queries import known_purchases
from stream.directory.store import DirectoryStore
from stream.directory.timeline import TimelineEntry
from stream.notifications.notification_records import Arm
from tests.directory.told import commit
from tests.notifications.rig import NotifierBench
from tests.notifications.test_effect import DAY_MS, START_MS, told


def ordered(customer: str, day: int) -> TimelineEntry:
    return TimelineEntry(
        *(customer, "purchase", day, START_MS + day * DAY_MS, "completed"), order_id=f"o{day}", amount=100_000
    )


def test_who_was_erased_does_not_count_as_one_who_ordered_nothing(bench: NotifierBench, tmp_path: Path) -> None:
    """Of six who were notified four order, of six who were held out two; then two who ordered are erased."""
    notified, held_out = [f"n{n}" for n in range(6)], [f"h{n}" for n in range(6)]
    records = [told(one, Arm.NOTIFIED) for one in notified] + [told(one, Arm.HELD_OUT) for one in held_out]
    bench.publish_all([(bench.settings.notifications, one.customer_id, msgspec.json.encode(one)) for one in records])
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", ZoneInfo("UTC")) as store:
        visits = [TimelineEntry(one, "click", 1, START_MS, "page_viewed") for one in [*notified, *held_out]]
        orders = [ordered(one, 2) for one in [*notified[:4], *held_out[:2]]]
        commit(store, store.claim(), [*visits, *orders, ordered("other", 40)])

        def groups() -> list[tuple[int, int]]:
            with reading(store.engine) as connection:
                found = notified_effect(bench.settings, lambda ids: known_purchases(connection, ids)).everyone
            return [(of.customers, of.orders) for of in (found.notified, found.held_out)]

        assert groups() == [(6, 4), (6, 2)]
        store.erase("n0", "h0")
        assert groups() == [(5, 3), (5, 1)]
