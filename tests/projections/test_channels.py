"""Contacts by kind, channel and hour, against counting a list."""

from collections import Counter
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import orjson
from hypothesis import given
from hypothesis import strategies as st

from stream.cli.feedback_view import Voice, voice_rows
from stream.projections.channels import MAX_CHANNELS, OTHER, Channels, Contacts
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.reporting.writing import Writing
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition

NOW_MS = 1_767_225_600_000
FEEDBACK, INTERACTION = 0, 1
ZONE = "America/St_Johns"

happened = st.tuples(
    st.sampled_from(
        [(FEEDBACK, "complained"), (FEEDBACK, "praised"), (INTERACTION, "visited"), (INTERACTION, "liked")]
    ),
    st.sampled_from([None, "email", "phone"]),
    st.integers(0, 400 * 24 * 60),
)


def record(number: int, name: str, channel: str | None, minute: int = 0) -> Record:
    body = {
        "event_id": f"e{number}",
        "customer_id": "a",
        "occurred_at": NOW_MS / 1000 - minute * 60,
        "name": name,
        **({"channel": channel} if channel else {}),
    }
    return Record(b"a", orjson.dumps(body), offset=number, timestamp=NOW_MS)


def folded(records: list[tuple[int, Record]]) -> Contacts:
    stepped = SteppedPartition(Channels(Settings(shop_timezone=ZONE)))
    for source, one in records:
        assert stepped.step(Part(source, [one], 1)).rejected == ()
    return msgspec.json.decode(stepped.stored.get("a", b"{}"), type=Contacts)


@given(st.lists(happened, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_contacts_are_counted_in_any_order(
    events: list[tuple[tuple[int, str], str | None, int]], random: Random
) -> None:
    records = [(source, record(k, name, channel, minute)) for k, ((source, name), channel, minute) in enumerate(events)]
    random.shuffle(records)
    found = folded(records)
    usual = {"visited": "store", "liked": "social"}
    channels = Counter(channel or usual.get(name) for (_, name), channel, _ in events)
    del channels[None]
    times = [datetime.fromtimestamp(NOW_MS / 1000 - minute * 60, UTC) for _, _, minute in events]
    hours = Counter(time.astimezone(ZoneInfo(ZONE)).hour for time in times)
    assert found.kinds == Counter(name for (_, name), _, _ in events)
    assert found.channels == channels
    assert {int(hour): count for hour, count in found.hours.items()} == hours
    assert found.preferred_hour == min(hour for hour, count in hours.items() if count == max(hours.values()))
    if channels:
        most = max(channels.values())
        assert next(iter(found.shares)) == min(str(one) for one, count in channels.items() if count == most)
        assert abs(sum(found.shares.values()) - 1.0) < 1e-9


def test_the_number_of_channels_is_bounded() -> None:
    found = folded([(FEEDBACK, record(k, "praised", f"c{k:02}")) for k in range(MAX_CHANNELS + 3)])
    assert found.channels == {**{f"c{k:02}": 1 for k in range(MAX_CHANNELS)}, OTHER: 3}


def test_an_invalid_interaction_is_a_dead_letter_of_this_projection_only() -> None:
    partition = FoldingPartition(Channels(Settings()), 0, ProjectionTopics("dead-letters", "alerts"), 10)
    bad = Record(b"a", b"no event", offset=0, timestamp=NOW_MS)
    partition.read([Part(FEEDBACK, [bad], 1), Part(INTERACTION, [bad], 1)])
    outcome = partition.step(0)
    assert (outcome.skipped, len(outcome.rejected)) == (1, 1)


def test_a_customer_is_shown_with_channels_and_hour() -> None:
    contacts = Contacts({"visited": 1, "called": 3}, {"store": 1, "phone": 3}, {"9": 2, "18": 2})
    assert [*voice_rows(Voice(contacts=contacts), Writing.of(Settings()))] == [
        ("contacts", "3 called, 1 visited"),
        ("channels", "phone 75%, store 25%"),
        ("most often at", "09:00"),
    ]
