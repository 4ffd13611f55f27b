"""What customers bought by the directory is what a reader of the whole topic counts."""

from itertools import islice
from pathlib import Path

from stream.directory.database import reading
from stream.directory.purchase_queries import known_purchases
from stream.directory.store import DirectoryStore
from stream.directory.timeline import TimelineEntry
from stream.events.columns import MONEY_SCALE
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log import read_log
from stream.notifications.effect import MoneyMove
from stream.notifications.effect_input import PurchaseLog
from stream.notifications.inbound import Inbound
from tests.directory.told import APPENDED_MS, commit, messages_of

LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"
ROWS = 4_000


def test_purchases_are_those_of_the_topic(store: DirectoryStore) -> None:
    events = [event for event in islice(read_log(LOG), ROWS) if event.event_type is EventType.PURCHASE]
    names = {b"completed", b"refunded", b"cancelled"}
    assert {name for name in names for event in events if name in event.value} >= {b"completed", b"refunded"}
    commit(store, store.claim(), messages_of(events))
    chosen = sorted({event.customer_id for event in events})[::3]
    log = PurchaseLog(dict(zip(chosen, chosen, strict=True)), Decoder())
    log.add([Inbound("t", 0, n, e.customer_id.encode(), e.value, APPENDED_MS) for n, e in enumerate(events)])
    with reading(store.engine) as connection:
        found = known_purchases(connection, [*chosen, "nobody"])
        others = known_purchases(connection, [])
    told = {
        customer: [MoneyMove(at_ms, amount / MONEY_SCALE, is_order) for at_ms, amount, is_order in purchases]
        for customer, purchases in found.purchases.items()
        if purchases
    }
    assert told == log.orders
    assert len(told) > 100
    newest = max(event.at_ms for event in events if b'"completed"' in event.value)
    assert found.as_of_ms == others.as_of_ms == newest


def test_a_shop_without_orders_has_no_newest_one(store: DirectoryStore) -> None:
    commit(store, store.claim(), [TimelineEntry("c-1", "click", 1, 1, "page_viewed")])
    with reading(store.engine) as connection:
        assert known_purchases(connection, ["c-1", "nobody"]) == ({"c-1": []}, None)
