"""Stages and flows between them, against counting a list, with any batches and repeats."""

from collections import Counter
from datetime import UTC, datetime

import msgspec
import orjson
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.alert_records import StageChange
from stream.features.stages import STAGE_NAMES
from stream.projections.flows import ALL, Flows, StageFlows, customers_in, day_key
from stream.projections.folding import Part
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition

DAY_MS = 86_400_000
BEGIN_MS = 1_767_225_600_000

#: (customer, ms since the change before, stage)
changes = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "/2026-01-02"]), st.sampled_from([0, 1, DAY_MS]), st.sampled_from(STAGE_NAMES)
    ),
    max_size=30,
)


def instant(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(drawn: list[tuple[str, int, str]]) -> list[StageChange]:
    found = []
    at_ms = BEGIN_MS
    stage_of: dict[str, str] = {}
    for number, (customer, after, stage) in enumerate(drawn):
        at_ms += after
        before = stage_of.get(customer)
        if before == stage:
            continue
        stage_of[customer] = stage
        at = instant(at_ms)
        found.append(
            StageChange(
                change_id=f"{customer}@{at_ms}:{stage}:{number}",
                customer_id=customer,
                stage_from=before,  # type: ignore[arg-type]  # drawn of the codes
                stage_to=stage,  # type: ignore[arg-type]
                cause="order",
                why="",
                since=at,
                days_since_order=None,
                usual_gap_days=None,
                occurred_at=at,
                emitted_at=at,
            )
        )
    return found


def folded(records: list[StageChange], sizes: list[int]) -> dict[str, Flows]:
    stepped = SteppedPartition(StageFlows(Settings()), cache=2)
    begin = 0
    for size in [*sizes, len(records)]:
        part = [
            Record(change.customer_id.encode(), msgspec.json.encode(change), 0, begin + k)
            for k, change in enumerate(records[begin : begin + size])
        ]
        begin += len(part)
        outcome = stepped.step(Part(0, part, begin))
        assert not outcome.rejected
        assert outcome.folded == len(part)
    return {key: msgspec.json.decode(state, type=Flows) for key, state in stepped.stored.items()}


@given(changes, st.lists(st.integers(1, 8), max_size=10), st.integers(0, 10))
def test_flows_are_those_of_the_list_and_repeats_do_not_count(
    drawn: list[tuple[str, int, str]], sizes: list[int], again: int
) -> None:
    records = told(drawn)
    states = folded([*records, *records[len(records) - again :]] if again else records, sizes)
    flows = Counter(f"{change.stage_from or ''}>{change.stage_to}" for change in records)
    assert states.get(ALL, Flows()).flows == flows
    for day in {change.occurred_at[:10] for change in records}:
        of_day = Counter(f"{c.stage_from or ''}>{c.stage_to}" for c in records if c.occurred_at[:10] == day)
        assert states[day_key(day)].flows == of_day
    last = {change.customer_id: change.stage_to for change in records}
    assert customers_in(flows) == Counter(last.values())
    assert states.get("a", Flows()).stage == last.get("a", "")


def test_one_who_comes_in_again_after_state_was_lost_is_counted_once() -> None:
    first, second = told([("a", 0, "new"), ("a", DAY_MS, "due")])
    again = msgspec.structs.replace(
        second, change_id="a@0:due:0", stage_from=None, occurred_at=instant(BEGIN_MS + 2 * DAY_MS)
    )
    states = folded([first, second, again], [1, 1])
    assert states[ALL].flows == {">new": 1, "new>due": 1}


def test_a_record_is_as_the_contract_names_it() -> None:
    (change,) = told([("a", 0, "lead")])
    body = orjson.loads(msgspec.json.encode(change))
    assert (body["from"], body["to"]) == (None, "lead")


def test_the_keys_of_a_customer_are_forgotten() -> None:
    assert list(StageFlows(Settings()).erase("/2026-01-02")) == ["//2026-01-02"]
