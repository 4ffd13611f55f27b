"""The calendar of events, against counting a list."""

from collections import Counter
from datetime import UTC, datetime

import msgspec
import orjson
from hypothesis import given
from hypothesis import strategies as st

from stream.projections.activity import MAX_DAYS, Activity, Calendar
from stream.projections.folding import Part
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition

DAY_MS = 86_400_000
NOW_MS = 1_767_225_600_000

happened = st.tuples(
    st.sampled_from(["click", "email", "purchase"]),
    st.sampled_from("ab"),
    st.integers(0, 3),
    st.integers(0, DAY_MS - 1),
)


def record(offset: int, kind: str, customer: str, at_ms: int) -> Record:
    contents: dict[str, dict[str, object]] = {
        "click": {"name": "page_viewed"},
        "email": {"name": "opened"},
        "purchase": {"name": "completed", "order_id": f"o{offset}", "amount": 1.0, "currency": "EUR"},
    }
    body = {"event_id": f"e{offset}", "customer_id": customer, "occurred_at": at_ms / 1000, **contents[kind]}
    return Record(customer.encode(), orjson.dumps(body), offset=offset, timestamp=NOW_MS + 10 * DAY_MS)


@given(st.lists(happened, max_size=40))
def test_days_are_counted_by_customer_and_type(events: list[tuple[str, str, int, int]]) -> None:
    parts = []
    counts: dict[str, dict[str, Counter[str]]] = {}
    for source, kind in enumerate(["click", "email", "purchase"]):
        of_kind = [
            record(k, kind, who, NOW_MS + day * DAY_MS + ms)
            for k, (type_, who, day, ms) in enumerate(events)
            if type_ == kind
        ]
        bad = Record(b"a", b"not an event", offset=1000, timestamp=NOW_MS)
        parts.append(Part(source, [*of_kind, bad], 1001))
    for type_, who, day, _ in events:
        date = datetime.fromtimestamp(NOW_MS / 1000 + day * 86_400, UTC).date().isoformat()
        counts.setdefault(who, {}).setdefault(date, Counter())[type_] += 1
    outcome = SteppedPartition(Activity(Settings())).step(*parts)
    stored = {who: orjson.loads(state)["days"] for who, state in outcome.written.items()}
    assert stored == counts
    assert all([*days] == sorted(days) for days in stored.values())
    assert (outcome.skipped, outcome.rejected, outcome.outgoing) == (3, (), [])


def test_the_oldest_days_go() -> None:
    projection = Activity(Settings())
    days = [*range(MAX_DAYS + 5)]
    source = projection.inputs[0]
    records = [record(k, "click", "a", NOW_MS - day * DAY_MS) for k, day in enumerate(days)]
    reading = source.read(records)
    assert reading.skipped == 0
    folded = projection.fold({}, reading.keyed).states["a"]
    assert isinstance(folded, Calendar)
    wanted = [datetime.fromtimestamp(NOW_MS / 1000 - d * 86_400, UTC).date().isoformat() for d in days[:MAX_DAYS]]
    assert [*folded.days] == wanted[::-1]
    assert msgspec.json.decode(msgspec.json.encode(folded), type=Calendar) == folded
