"""What customers agreed to: against the newest of a list, in any order, and repeated."""

from random import Random

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.consent.agreements import MAX_STATEMENTS, Agreements, ConsentDefault, Statement
from stream.consent.purposes import Purpose
from stream.projections.consents import Consents
from stream.projections.folding import FoldingPartition, Part, ProjectionTopics
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition

NOW_MS = 1_767_225_600_000
CONSENT, EMAIL = 0, 1
CHANNELS = [None, "email", "sms"]

said = st.tuples(
    st.sampled_from(["granted", "withdrawn"]),
    st.sampled_from(list(Purpose)),
    st.sampled_from(CHANNELS),
    st.integers(0, 6),
)
mailed = st.tuples(st.sampled_from(["unsubscribed", "complained", "opened"]), st.integers(0, 6))
defaults = st.sampled_from(["opt-out", "opt-in"])


def record(number: int, name: str, day: int, **fields: object) -> Record:
    body = {"event_id": f"e{number}", "customer_id": "a", "occurred_at": NOW_MS / 1000 - 86_400 * day, "name": name}
    return Record(b"a", orjson.dumps({**body, **fields}), offset=number, timestamp=NOW_MS)


def records_of(
    spoken: list[tuple[str, Purpose, str | None, int]], mails: list[tuple[str, int]]
) -> list[tuple[int, Record]]:
    consents = [
        (CONSENT, record(k, name, day, purpose=purpose, **({"contact_channel": channel} if channel else {})))
        for k, (name, purpose, channel, day) in enumerate(spoken)
    ]
    return [*consents, *((EMAIL, record(1000 + k, name, day)) for k, (name, day) in enumerate(mails))]


def folded(records: list[tuple[int, Record]]) -> Agreements:
    stepped = SteppedPartition(Consents(Settings()))
    for source, one in records:
        assert stepped.step(Part(source, [one], 1)).rejected == ()
    return msgspec.json.decode(stepped.stored.get("a", b"{}"), type=Agreements)


def expected(
    spoken: list[tuple[str, Purpose, str | None, int]],
    mails: list[tuple[str, int]],
    purpose: Purpose,
    channel: str | None,
    day: int,
    default: ConsentDefault,
) -> bool:
    """By going through the days: what was said last counts, and of one day a refusal."""
    allowed = default == "opt-out" or purpose is Purpose.SERVICE
    for of_day in range(6, day - 1, -1):
        that_day = [
            name == "granted"
            for name, of, by, when in spoken
            if when == of_day and of is purpose and (by is None or by == channel)
        ]
        if purpose is Purpose.MARKETING and channel == "email":
            that_day += [False for name, when in mails if when == of_day and name != "opened"]
        if that_day:
            allowed = all(that_day)
    return allowed


@given(st.lists(said, max_size=12), st.lists(mailed, max_size=4), st.randoms(use_true_random=False), defaults)
def test_the_newest_word_counts_in_any_order_of_arrival(
    spoken: list[tuple[str, Purpose, str | None, int]],
    mails: list[tuple[str, int]],
    random: Random,
    default: ConsentDefault,
) -> None:
    records = records_of(spoken, mails)
    random.shuffle(records)
    again = random.sample(records, k=min(3, len(records)))
    found = folded(records + again)
    assert found == folded(records_of(spoken, mails))
    for purpose in Purpose:
        for channel in CHANNELS:
            for day in range(-1, 8):
                at_ms = NOW_MS - 86_400_000 * day
                assert bool(found.may(purpose, channel, at_ms, default)) == expected(
                    spoken, mails, purpose, channel, max(day, 0), default
                )


@given(
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=80), st.randoms(use_true_random=False)
)
def test_what_is_forgotten_is_the_oldest_in_any_order(told: list[tuple[int, bool]], random: Random) -> None:
    statements = [Statement(at, withdrawn, f"e{k}", "consent") for k, (at, withdrawn) in enumerate(told)]
    shuffled = random.sample(statements, k=len(statements))
    found, other = Agreements(), Agreements()
    for one in statements:
        found.add(Purpose.MARKETING, None, one)
    for one in shuffled:
        other.add(Purpose.MARKETING, None, one)
    assert found == other
    in_order = sorted(statements, key=lambda one: (one.at_ms, one.is_withdrawn, one.event_id))
    assert found.said == {"marketing": in_order[-MAX_STATEMENTS:]}


def test_the_record_says_when_where_and_to_which_wording() -> None:
    wording = {"source": "checkout", "version": "3", "text": "Yes, write to me."}
    found = folded([(CONSENT, record(7, "granted", 1, purpose="marketing", contact_channel="email", **wording))])
    at_ms = NOW_MS - 86_400_000
    by = Statement(at_ms, False, "e7", "consent granted", "checkout", "3", "Yes, write to me.")
    assert found.may(Purpose.MARKETING, "email", NOW_MS, "opt-in") == (True, by)
    assert found.may(Purpose.MARKETING, "email", at_ms - 1, "opt-in") == (False, None)
    assert found.may(Purpose.MARKETING, "phone", NOW_MS, "opt-in") == (False, None)


@pytest.mark.parametrize("name", ["unsubscribed", "complained"])
def test_who_unsubscribes_or_reports_spam_takes_marketing_by_email_back(name: str) -> None:
    found = folded(
        [
            (CONSENT, record(1, "granted", 2, purpose="marketing")),
            (EMAIL, record(2, name, 1, campaign_id="spring")),
        ]
    )
    refused = found.may(Purpose.MARKETING, "email", NOW_MS, "opt-out")
    assert refused == (False, Statement(NOW_MS - 86_400_000, True, "e2", f"email {name}", "spring"))
    assert found.may(Purpose.MARKETING, "sms", NOW_MS, "opt-out")
    assert found.may(Purpose.SERVICE, "email", NOW_MS, "opt-out")


def test_an_event_without_a_purpose_is_a_dead_letter_of_this_projection() -> None:
    partition = FoldingPartition(Consents(Settings()), 0, ProjectionTopics("dead-letters", "alerts"), 10)
    partition.read([Part(CONSENT, [record(1, "granted", 0)], 1), Part(EMAIL, [record(2, "no name", 0)], 1)])
    outcome = partition.step(0)
    assert (outcome.skipped, len(outcome.rejected)) == (1, 1)


def test_erasing_forgets_the_state_of_the_customer() -> None:
    assert [*Consents(Settings()).erase("a")] == ["a"]
