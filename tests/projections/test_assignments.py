"""What the log has lost of whose an id is: the compacted topic gives it back, at its place."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.rejections import Defect
from stream.identity.arrival_notes import NOTE_HEADERS, Assigned, encode_note
from stream.identity.assignments import MAX_STEPS, AssignedStep, Assignment, encode_assignment
from stream.identity.note_proof import NoteProof
from stream.processing.state import Outgoing
from stream.projections.arrivals import Arrivals
from stream.projections.assignment_input import AssignmentInput, Vacated
from stream.settings import Settings
from tests.oracle.record import Record
from tests.projections.store import Store

HOUR = 3_600_000
NOW_MS = 1_717_158_600_000
HOLDING = Settings(partitions=1, identity_hold_h=1.0, identity_key="k" * 32)
AT_ONCE = Settings(partitions=1, identity_key="k" * 32)
PROOF = NoteProof.of(AT_ONCE)
COOKIE, ADDRESS = "anonymous_id:h1_" + 22 * "a", "email:h1_" + 22 * "b"
IDS = [COOKIE, ADDRESS, "c-1"]
EVENTS, ASSIGNMENTS = 0, 1

#: An event under an id, or with a customer a note.
Item = tuple[str, str]
logs = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(["", "", "", "c-1", "c-2", COOKIE])), max_size=30)
cuts = st.lists(st.integers(1, 6), max_size=30)


def note(own_id: str, customer: str, version: int) -> Record:
    value = encode_note(Assigned(id=own_id, customer_id=customer, version=version))
    headers = (*NOTE_HEADERS, *PROOF.headers(own_id.encode(), value))
    return Record(own_id.encode(), value, NOW_MS, version, headers)


def written(items: Sequence[Item]) -> list[Record]:
    """A log of unlike events, and of notes whose versions grow."""
    found = []
    for number, (own_id, customer) in enumerate(items):
        event = {"event_id": f"e-{number}", "customer_id": own_id, "name": "page_viewed", "occurred_at": NOW_MS / 1000}
        is_event = customer == ""
        value = json.dumps(event).encode()
        record = Record(own_id.encode(), value, NOW_MS, number)
        found.append(record if is_event else note(own_id, customer, number))
    return found


def folded(store: Store, log: Sequence[Record], sizes: Sequence[int] = ()) -> tuple[list[tuple[str, str]], Store]:
    """Customer and event of what is passed on. What is said of ids comes back as the compacted topic."""
    store.logs[EVENTS], store.done[EVENTS] = [*log], 0
    found, left = [], [*sizes]
    while not store.is_done:
        for one in store.step(left.pop() if left else 10, lost=False):
            if one.topic == "assignments":
                come_back(store, one)
            else:
                content = json.loads(one.value or b"")
                found.append((content["customer_id"], content["event_id"]))
    return found, store


def come_back(store: Store, one: Outgoing) -> None:
    log = store.logs[ASSIGNMENTS]
    log.append(Record(one.key, one.value, NOW_MS, len(log), tuple(one.headers)))


def compacted(store: Store) -> list[Record]:
    """The newest record of each id, as Kafka keeps them."""
    newest = {record.key: record for record in store.logs[ASSIGNMENTS]}
    return sorted(newest.values(), key=lambda record: record.offset)


def rebuilt(installation: Settings, assignments: Sequence[Record]) -> Store:
    """A new generation, which has read the assignments, and nothing else."""
    store = Store(Arrivals(installation), 0, 3)
    store.logs[ASSIGNMENTS] = [*assignments]
    assert store.step(100, lost=False) == []
    return store


@pytest.mark.parametrize("installation", [AT_ONCE, HOLDING])
@given(items=logs, sizes=cuts, others=cuts, data=st.data())
@settings(max_examples=120, deadline=None)
def test_a_rebuild_passes_what_is_left_of_the_log_on_as_it_was_passed_on_first(
    installation: Settings, items: list[Item], sizes: list[int], others: list[int], data: st.DataObject
) -> None:
    log = written(items)
    first, store = folded(Store(Arrivals(installation), 0, 3), log, sizes)
    lost = data.draw(st.integers(0, len(log)))
    left = log[lost:]
    again, later = folded(rebuilt(installation, compacted(store)), left, others)
    events = {f"e-{record.offset}" for record in left}
    assert again == [(customer, event) for customer, event in first if event in events]
    # a rebuild adds nothing to what is said of ids, so it may be done again
    assert compacted(later) == compacted(store)


def test_a_note_that_is_lost_counts_for_what_came_after_it_and_only_for_that() -> None:
    log = written([(COOKIE, ""), (COOKIE, "c-1"), (COOKIE, ""), (COOKIE, "c-2"), (COOKIE, "")])
    _, store = folded(Store(Arrivals(AT_ONCE), 0, 3), log)
    assert folded(rebuilt(AT_ONCE, compacted(store)), [log[2], log[4]])[0] == [("c-1", "e-2"), ("c-2", "e-4")]
    # the first event came before anybody knew whose the id is
    assert folded(rebuilt(AT_ONCE, compacted(store)), [log[0], log[4]])[0] == [(COOKIE, "e-0"), ("c-2", "e-4")]


def test_the_newest_steps_are_kept() -> None:
    log = written([(COOKIE, f"c-{number % 2 + 1}") for number in range(MAX_STEPS + 3)])
    _, store = folded(Store(Arrivals(AT_ONCE), 0, 3), log)
    (record,) = compacted(store)
    steps = json.loads(record.value or b"")["steps"]
    assert steps == [[number, number, f"c-{number % 2 + 1}", 0] for number in range(3, MAX_STEPS + 3)]


def test_a_late_write_of_an_older_assignment_is_mended() -> None:
    _, store = folded(Store(Arrivals(AT_ONCE), 0, 3), written([(COOKIE, "c-1"), (COOKIE, "c-2")]))
    older, newer = store.logs[ASSIGNMENTS][0], compacted(store)[0]
    store.logs[ASSIGNMENTS].append(older._replace(offset=len(store.logs[ASSIGNMENTS])))
    (mended,) = store.step(10, lost=False)
    assert (mended.key, mended.value, tuple(mended.headers)) == (newer.key, newer.value, newer.headers)


def test_an_id_that_is_erased_leaves_a_tombstone_and_comes_back_with_nothing() -> None:
    _, store = folded(Store(Arrivals(AT_ONCE), 0, 3), written([(COOKIE, "c-1"), (COOKIE, "")]))
    said = compacted(store)
    (tombstone,) = store.erase([COOKIE])
    assert (tombstone.topic, tombstone.key, tombstone.value) == ("assignments", COOKIE.encode(), None)
    assert store.stored == {}
    # a rebuild that reads both, because Kafka has not compacted them yet
    store = rebuilt(AT_ONCE, said)
    assert store.stored != {}
    come_back(store, tombstone)
    assert folded(store, [])[1].stored == {}


@pytest.mark.parametrize("change", ["value", "key", "no proof", "another key"])
def test_what_the_workers_did_not_write_is_refused_and_blocks_nothing(change: str) -> None:
    far = 2**53
    forged = note(COOKIE, "c-9", far)
    step = encode_assignment(Assignment(id=COOKIE, steps=[AssignedStep(far, 0, "c-9")]))
    headers = {
        "value": note(COOKIE, "c-9", 1).headers,
        "key": note(ADDRESS, "c-9", far).headers,
        "no proof": tuple(NOTE_HEADERS),
        "another key": (*NOTE_HEADERS, *NoteProof(b"x" * 32).headers(COOKIE.encode(), forged.value)),
    }[change]
    bad = forged._replace(headers=headers)
    events, assignments = Arrivals(AT_ONCE).inputs
    assert [one.reason for one in events.read([bad, note(COOKIE, "c-1", 5)]).rejections] == [Defect.BAD_IDENTIFIER]
    assert len(events.read([forged]).keyed) == 1
    refused = assignments.read([bad._replace(value=step), bad._replace(value=None)]).rejections
    assert [(one.record, one.reason) for one in refused] == [(0, Defect.BAD_IDENTIFIER), (1, Defect.BAD_IDENTIFIER)]


@pytest.mark.parametrize("version", [-1, 2**53 + 1, 2**70, 1.5, "4"])
def test_a_version_that_is_no_offset_is_refused(version: object) -> None:
    value = json.dumps({"name": "assigned", "id": COOKIE, "customer_id": "c-1", "version": version}).encode()
    record = Record(COOKIE.encode(), value, NOW_MS, 0, tuple(NOTE_HEADERS))
    ((position, reason, _),) = Arrivals(Settings(partitions=1)).inputs[EVENTS].read([record]).rejections
    assert (position, reason) in {(0, Defect.WRONG_TYPE), (0, Defect.WRONG_LENGTH), (0, Defect.PROCESSING_FAILED)}


def test_an_assignment_has_the_id_as_its_key() -> None:
    source = AssignmentInput("assignments", NoteProof(b""))
    value = encode_assignment(Assignment(id=COOKIE, steps=[AssignedStep(1, 2, "c-1")]))
    good = Record(COOKIE.encode(), value, NOW_MS, 0)
    reading = source.read([good, good._replace(key=b"c-1"), good._replace(value=b"{"), good._replace(value=None)])
    assert [message for _, message in reading.keyed] == [
        Assignment(id=COOKIE, steps=[AssignedStep(1, 2, "c-1")]),
        Vacated(COOKIE),
    ]
    assert [(one.record, one.reason) for one in reading.rejections] == [
        (1, Defect.KEY_MISMATCH),
        (2, Defect.MALFORMED_JSON),
    ]
