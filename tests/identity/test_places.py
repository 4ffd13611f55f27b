"""What is published again after a crash is known by its place in the topic `arrivals`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events import record as events
from stream.identity.departures import REPEATED
from stream.identity.places import Place, first_of_each, place_header, without_place
from tests.oracle.record import Record

NOW_MS = 1_700_000_000_000
TOPIC = "events.click"


def came(place: Place, value: bytes = b"{}") -> Record:
    return Record(b"c-1", value, NOW_MS, headers=(("content-type", b"application/json"), place_header(place)))


def rows(counts: list[int]) -> list[Place]:
    """What follows from some records of one partition: ``counts`` records of each."""
    return [Place(0, offset, number, NOW_MS) for offset, count in enumerate(counts) for number in range(count)]


@given(
    st.lists(st.integers(0, 3), max_size=10),
    st.lists(st.integers(0, 3), max_size=10),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=6),
    st.lists(st.integers(1, 5), max_size=20),
)
def test_each_record_counts_once_whatever_crashes(
    counts: list[int], others: list[int], crashes: list[tuple[int, int]], sizes: list[int]
) -> None:
    outboxes = {0: rows(counts), 1: [place._replace(partition=1) for place in rows(others)]}
    log: list[Record] = []
    sent = {0: 0, 1: 0}
    for ahead, back in [*crashes, (99, 0)]:
        for partition, outbox in outboxes.items():
            end = min(sent[partition] + ahead, len(outbox))
            log += map(came, outbox[sent[partition] : end])
            sent[partition] = max(end - back, 0)
    newest: dict[str, tuple[int, int, int]] = {}
    kept: list[events.Record] = []
    while log:
        size = sizes.pop() if sizes else 3
        kept += first_of_each(log[:size], TOPIC, newest)
        del log[:size]
    found = [record.headers[-1][1] for record in kept]
    for partition, outbox in outboxes.items():
        own = [value for value in found if (value or b"").startswith(b"%d " % partition)]
        assert own == [place_header(place)[1] for place in outbox]


def test_topics_are_told_apart() -> None:
    newest: dict[str, tuple[int, int, int]] = {}
    for topic in (TOPIC, "events.email"):
        assert first_of_each([came(Place(0, 7, 0, NOW_MS))], topic, newest)


def test_a_topic_of_arrivals_that_was_made_anew_begins_anew() -> None:
    newest: dict[str, tuple[int, int, int]] = {}
    for place in (Place(0, 900, 0, NOW_MS - 2000), Place(0, 0, 0, NOW_MS - 1000), Place(0, 1, 0, NOW_MS - 1000)):
        assert first_of_each([came(place)], TOPIC, newest)
    assert not first_of_each([came(Place(0, 1, 0, NOW_MS - 1000))], TOPIC, newest)


@pytest.mark.parametrize(
    "value", [b"", b"1 2 3", b"x 2 3 4", b"-1 2 3 4", b"9" * 400, b"0 9999999999999999 0 99999999999999"]
)
def test_what_no_worker_wrote_hides_nothing(value: bytes) -> None:
    forged = Record(b"c-1", b"{}", NOW_MS, headers=(("place", value),))
    newest: dict[str, tuple[int, int, int]] = {}
    records = [forged, came(Place(0, 0, 0, NOW_MS))]
    assert first_of_each(records, TOPIC, newest) == records


def test_what_a_producer_repeats_does_not_count() -> None:
    repeated = Record(b"c-1", b"{}", NOW_MS, headers=(REPEATED, place_header(Place(0, 4, 0, NOW_MS))))
    assert first_of_each([repeated], TOPIC, {}) == []
    copied = repeated._replace(headers=tuple(without_place(repeated.headers)))
    assert first_of_each([copied], TOPIC, {}) == []


def test_a_record_that_is_published_by_hand_has_no_place() -> None:
    headers = came(Place(0, 4, 0, NOW_MS)).headers
    assert without_place(headers) == [headers[0]]
