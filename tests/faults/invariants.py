"""What must be true after a run, whatever happened in it; see docs/reliability.md for the letters."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
import orjson

from stream.events.times import epoch_ms
from stream.features.registry import complete
from stream.online_models.example import InvalidExample, decode_example
from stream.online_models.learner import Learner, LearnerSettings
from stream.processing.document import packed_state
from tests.faults.bench import Bench
from tests.faults.expectation import identity
from tests.oracle.features import features_at

__all__ = ["Verdict", "standing", "verdict"]

SHOWN = 5


@dataclass(frozen=True)
class Verdict:
    """``violations``: each begins with the letter of its invariant. ``duplicates``: records published again."""

    violations: list[str]
    duplicates: int


def verdict(bench: Bench, *, broken: frozenset[str] = frozenset()) -> Verdict:
    """Compare everything that is stored and published with the oracle."""
    violations = [
        *_features(bench, broken),
        *_profiles(bench),
        *_counts(bench),
        *_labels(bench),
        *_model(bench),
        *_offsets(bench),
    ]
    duplicates = 0
    for topic in ("alerts", "segment-changes", "dead-letters", "training-examples"):
        found, repeated = _published(bench, topic)
        violations += found
        duplicates += repeated
    return Verdict(violations, duplicates)


def _features(bench: Bench, broken: frozenset[str]) -> Iterator[str]:
    """F: the features of every document, from the definition over the list of events."""
    documents = bench.documents()
    if documents.keys() != bench.log.truth.keys():
        yield f"F: customers {_few(documents.keys() ^ bench.log.truth.keys())} are on one side only"
    for customer in documents.keys() & bench.log.truth.keys():
        document = orjson.loads(documents[customer])
        as_of = epoch_ms(msgspec.convert(document["as_of"], type=datetime))
        wanted = features_at([e for e in bench.log.truth[customer] if e.event_id not in broken], as_of)
        stored = complete(document["features"])
        wrong = {name: (stored[name], value) for name, value in wanted.items() if not _same(stored[name], value)}
        if wrong:
            yield f"F: {customer} at {document['as_of']}: (stored, oracle) {wrong}"


def _same(stored: float | None, wanted: float | None) -> bool:
    if stored is None or wanted is None:
        return stored is None and wanted is None
    return abs(stored - wanted) <= 6e-5  # documents show four digits


def _profiles(bench: Bench) -> Iterator[str]:
    """F: the packed profile and the next timer of every customer, octet by octet."""
    wanted = bench.expectation
    packed = {customer: packed_state(document) for customer, document in bench.documents().items()}
    differing = [customer for customer in wanted.packed if packed.get(customer) != wanted.packed[customer]]
    if differing:
        yield f"F: {len(differing)} packed profiles differ: {_few(differing)}"
    timers = bench.timers()
    if timers != wanted.timers:
        wrong = [c for c in timers.keys() | wanted.timers.keys() if timers.get(c) != wanted.timers.get(c)]
        yield f"F: {len(wrong)} timers differ: {_few(wrong)}"


def _counts(bench: Bench) -> Iterator[str]:
    """C: events in = applied + duplicates + dead letters, and every counter as in the undisturbed run."""
    states = bench.states()
    for partition, wanted in bench.expectation.counters.items():
        if partition not in states:
            yield f"C: partition {partition} has no state"
            continue
        counters = msgspec.to_builtins(states[partition].counters)
        if counters["events_in"] != counters["applied"] + counters["duplicates"] + counters["dead_letters"]:
            yield f"C: the counters of partition {partition} do not add up: {counters}"
        wrong = {name: (counters[name], value) for name, value in wanted.items() if counters[name] != value}
        if wrong:
            yield f"C: partition {partition}: (stored, undisturbed) {wrong}"


def standing(bench: Bench) -> Iterator[str]:
    """C: what can be told of a run that did not end: no record was skipped, none was counted twice."""
    for partition, state in bench.states().items():
        counted, passed = state.counters.events_in, sum(state.offsets.values())
        if counted != passed:
            yield f"C: partition {partition} counted {counted} records in {passed} offsets of {state.offsets}"


def _labels(bench: Bench) -> Iterator[str]:
    """L: the examples learned are those of the undisturbed run, each once."""
    wanted, learned = set(bench.expectation.published["training-examples"]), bench.learned()
    if learned != wanted:
        yield f"L: {len(wanted - learned)} examples were not learned, {len(learned - wanted)} are not expected"


def _model(bench: Bench) -> Iterator[str]:
    """L: the model, octet by octet, is the fold over the examples in the order of their topic."""
    learner = Learner(LearnerSettings(min_labels=bench.settings.min_labels))
    learned: set[str] = set()
    for message in bench.read("training-examples"):
        example = decode_example(message.value() or b"")
        if isinstance(example, InvalidExample):
            yield f"L: {example} was published"
        elif example.example_id not in learned:
            learned.add(example.example_id)
            learner.learn(example)
    dumped, offset = bench.client.hmget(bench.keys.checkpoint(), "learner", "offset")
    if dumped != learner.dump():
        topic = (bench.settings.training_examples, 0)
        where = f"its checkpoint is at offset {offset!r}, {bench.committed().get(topic)} is committed"
        yield f"L: the model is not the one that {len(learned)} examples make; {where}"


def _offsets(bench: Bench) -> Iterator[str]:
    """D: nothing is committed to Kafka that is not stored."""
    committed = bench.committed()
    stored = bench.offsets()
    ahead = {tp: (offset, stored.get(tp)) for tp, offset in committed.items() if offset > stored.get(tp, 0)}
    if ahead:
        yield f"D: committed beyond what is stored: {ahead}"


def _published(bench: Bench, topic: str) -> tuple[list[str], int]:
    """A: what was published is what the undisturbed run publishes; order per key; repeats are counted."""
    wanted = bench.expectation.published[topic]
    violations: list[str] = []
    counts: Counter[str] = Counter()
    order: dict[tuple[int, bytes | None], list[str]] = {}
    for message in bench.read(topic):
        name, content = identity(topic, message.value(), message.headers() or ())
        counts[name] += 1
        if name in wanted and content != wanted[name] and counts[name] == 1:
            violations.append(f"A: {topic}: {name} was published with another content: {content} {wanted[name]}")
        if counts[name] == 1:
            order.setdefault((message.partition(), message.key()), []).append(name)
    missing, extra = wanted.keys() - counts.keys(), counts.keys() - wanted.keys()
    if missing or extra:
        violations.append(
            f"A: {topic}: {len(missing)} of {len(wanted)} missing {_few(missing)}, {len(extra)} too many {_few(extra)}"
        )
    if topic in ("alerts", "segment-changes"):
        position = {name: k for k, name in enumerate(wanted)}
        for (_, key), names in order.items():
            known = [position[name] for name in names if name in position]
            if known != sorted(known):
                violations.append(f"A: {topic}: the records of {key!r} were published out of order")
    return violations, sum(counts.values()) - len(counts)


def _few(names: object) -> str:
    listed = sorted(map(str, names))  # type: ignore[call-overload]
    return ", ".join(listed[:SHOWN]) + (", ..." if len(listed) > SHOWN else "")
