"""A replay of a log in memory gives the results of a partition of the running program."""

from collections import deque
from collections.abc import Sequence

import msgspec
import numpy as np
import orjson
import pytest

from stream.events.decode import Decoder
from stream.events.log_event import LogEvent
from stream.online_models.components import COMPONENTS
from stream.online_models.components.purchases import Purchases
from stream.online_models.example import Label, decode_example
from stream.online_models.learner import Learner, LearnerSettings
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from stream.processing.state import Outgoing
from tests.oracle.event import Event
from tests.oracle.made_up import DAY, made_up
from tests.oracle.record import record_of, type_of
from tests.processing.station import NOW_MS, Station

RULES = Rules()
SMALL = LearnerSettings(min_labels=60, min_class_labels=5)
#: A low level, because a model of a few hundred labels is sure of little.
EASILY_RAISED = RULES._replace(raise_at=0.5, clear_at=0.4)


@pytest.fixture(scope="module")
def log() -> list[tuple[str, Event]]:
    made = made_up(11, customers=30, days=150, events=1_200)
    everything = [(customer, event) for customer, events in made.events.items() for event in events]
    return sorted(everything, key=lambda entry: (entry[1].at, type_of(entry[1]).value))


def log_events(log: Sequence[tuple[str, Event]]) -> list[LogEvent]:
    return [
        LogEvent(type_of(event), customer, event.at, record_of(customer, event).value or b"") for customer, event in log
    ]


def replay(
    log: Sequence[tuple[str, Event]], learner: Learner, run_records: int, rules: Rules = RULES
) -> tuple[Replay, list[Outgoing]]:
    published: list[Outgoing] = []
    replay = Replay(rules, learner, Decoder(), NOW_MS, run_records=run_records, on_outgoing=published.append)
    counts = list(replay.run(log_events(log)))
    assert counts[-1] == len(log)
    return replay, published


def test_without_a_model_a_replay_gives_the_documents_of_the_running_program(log: list[tuple[str, Event]]) -> None:
    learner = Learner(
        LearnerSettings(min_labels=10**9), components=[kind for kind in COMPONENTS if kind is not Purchases]
    )
    played, published = replay(log, learner, run_records=170)
    station = Station(log, RULES, WARMING)
    station.finish()
    features = {customer: orjson.loads(document)["features"] for customer, document in played.documents.items()}
    assert features == {
        customer: orjson.loads(document)["features"] for customer, document in station.documents.items()
    }
    # segments and the shop's gap, on which stages depend, need no labels: the replay has learned them meanwhile
    learned = ("segment-changes", "stages")
    counted = [
        msgspec.structs.replace(c, segment_changes=0, stage_changes=0) for c in (played.counters, station.counters)
    ]
    assert counted[0] == counted[1]
    assert played.stream_time_ms == station.stream_time_ms
    assert {(r.topic, r.key, r.value) for r in published if r.topic not in learned} == {
        (r.topic, r.key, r.value) for r in station.outgoing if r.topic not in learned
    }


def test_a_replay_learns_scores_and_alerts_and_does_so_again_the_same(log: list[tuple[str, Event]]) -> None:
    first, published = replay(log, Learner(SMALL), run_records=100, rules=EASILY_RAISED)
    second, again = replay(log, Learner(SMALL), run_records=100, rules=EASILY_RAISED)
    assert published == again
    assert first.documents == second.documents
    assert first.counters.alerts_raised > 0
    assert first.learner.ready
    labels = [
        e
        for e in (decode_example(r.value or b"") for r in published if r.topic == "training-examples")
        if isinstance(e, Label)
    ]
    assert first.learner.labels_seen == len(labels) == first.counters.labels


def test_time_goes_on_without_events(log: list[tuple[str, Event]]) -> None:
    played, _ = replay(log, Learner(SMALL), run_records=100)
    labels = played.counters.labels
    played.advance_to(played.stream_time_ms + 400 * DAY if played.stream_time_ms else 0)
    assert played.counters.labels == played.counters.landmarks > labels
    assert all("at_risk_from" not in orjson.loads(document) for document in played.documents.values())


def test_a_replay_of_examples_only_learns_and_scores_the_same(log: list[tuple[str, Event]]) -> None:
    whole, _ = replay(log, Learner(SMALL), run_records=100)
    lean = Replay(RULES, Learner(SMALL), Decoder(), NOW_MS, run_records=100, examples_only=True)
    deque(lean.run(log_events(log)), maxlen=0)
    assert whole.documents
    assert not lean.documents
    assert lean.learner.labels_seen > 0
    assert lean.learner.dump() == whole.learner.dump()
    assert lean.counters == whole.counters
    at_ms = whole.stream_time_ms or 0
    customers, scores = lean.score_all(at_ms)
    assert (customers, set(customers)) == (whole.score_all(at_ms)[0], set(whole.documents))
    assert np.array_equal(scores.risks, whole.score_all(at_ms)[1].risks, equal_nan=True)
