"""The invariants after any run; docs/reliability.md explains the letters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import orjson

from stream.events.times import epoch_ms
from stream.features.codec import LAYOUT, LAYOUT_BEFORE, pack, unpack
from stream.features.registry import complete
from stream.online_models.example import Example, InvalidExample, decode_example
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing.document import packed_state
from stream.storage.model_store import digests
from tests.faults.bench import Bench
from tests.faults.customer_documents import customer_documents
from tests.faults.published import few, published
from tests.faults.scope import Scope
from tests.features.profiles import Profile
from tests.oracle.features import features_at

__all__ = ["Verdict", "standing", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """``violations``: each begins with the letter of its invariant. ``duplicates``: records published again."""

    violations: list[str]
    duplicates: int


def verdict(bench: Bench, *, broken: frozenset[str] = frozenset(), state_was_lost: bool = False) -> Verdict:
    """Compare everything that is stored and published with the oracle.

    ``state_was_lost``: the log was read again, in other steps.
    """
    late = any(worker.may_have_published_late for worker in (*bench.ended, *bench.workers.values()))
    scope = Scope.of(bench.settings, bench.log, two_releases=bench.plan.release_before)
    violations = [
        *_features(bench, broken),
        *(_profiles(bench, scope) if scope.is_everything else ()),
        *_counts(bench, scope),
        *_learning(bench, scope),
        *_offsets(bench),
        *customer_documents(bench, scope, in_order=not (state_was_lost or late)),
    ]
    duplicates = 0
    for topic in ("alerts", "segment-changes", "stages", "dead-letters", "training-examples"):
        found, repeated = published(bench, topic, scope)
        violations += found
        duplicates += repeated
    return Verdict(violations, duplicates)


def _features(bench: Bench, broken: frozenset[str]) -> Iterator[str]:
    """F: the features of every document, from the definition over the list of events: bit for bit in its state."""
    documents = bench.stored.documents()
    if documents.keys() != bench.log.truth.keys():
        yield f"F: customers {few(documents.keys() ^ bench.log.truth.keys())} are on one side only"
    for customer in documents.keys() & bench.log.truth.keys():
        document = orjson.loads(documents[customer])
        as_of = epoch_ms(msgspec.convert(document["as_of"], type=datetime))
        wanted = features_at([e for e in bench.log.truth[customer] if e.event_id not in broken], as_of)
        stored = Profile.of(packed_state(documents[customer]), customer).values(as_of)
        shown = complete(document["features"])
        wrong = {
            name: (stored[name], shown[name], value)
            for name, value in wanted.items()
            if stored[name] != value or not _is_shown(shown[name], value)
        }
        if wrong:
            yield f"F: {customer} at {document['as_of']}: (in its state, shown, oracle) {wrong}"


def _is_shown(shown: float | None, wanted: float | None) -> bool:
    if shown is None or wanted is None:
        return shown is None and wanted is None
    return abs(shown - wanted) <= 6e-5  # documents show four digits


def _in_layout(layout: int, packed: bytes, customer: str) -> bytes:
    return packed if packed[0] == layout else pack(unpack(packed, customer), customer, layout)


def _profiles(bench: Bench, scope: Scope) -> Iterator[str]:
    """F: the packed profile and the next timer of every customer, byte by byte; customers without a timer expire.

    Profiles still in the previous layout are compared as they will be written next. Where workers of the release before
    write, what their layout holds is compared, and who has a timer: some are of what it does not hold.
    """
    wanted = bench.expectation
    layout = LAYOUT_BEFORE if scope.two_releases else LAYOUT
    packed = {c: _in_layout(layout, packed_state(document), c) for c, document in bench.stored.documents().items()}
    differing = [c for c, profile in wanted.packed.items() if packed.get(c) != _in_layout(layout, profile, c)]
    if differing:
        yield f"F: {len(differing)} packed profiles differ: {few(differing)}"
    timers = bench.stored.timers()
    wrong = [
        customer
        for customer in timers.keys() | wanted.timers.keys()
        if (customer in timers) != (customer in wanted.timers)
        or (timers[customer] != wanted.timers[customer] and not scope.two_releases)
    ]
    if wrong:
        yield f"F: {len(wrong)} timers differ: {few(wrong)}"
    if (expiring := bench.stored.expiring()) != packed.keys() - timers.keys():
        yield f"F: documents expire of {few(expiring)}, and {few(packed.keys() - timers.keys())} have no timer"


def _counts(bench: Bench, scope: Scope) -> Iterator[str]:
    """C: events in = applied + duplicates + dead letters, and every counter as in the undisturbed run."""
    states = bench.stored.states()
    for partition, wanted in bench.expectation.counters.items():
        if partition not in states:
            yield f"C: partition {partition} has no state"
            continue
        counters = msgspec.to_builtins(states[partition].counters)
        outcomes = ("applied", "duplicates", "dead_letters", "forwarded")
        if counters["events_in"] != sum(counters[outcome] for outcome in outcomes):
            yield f"C: the counters of partition {partition} do not add up: {counters}"
        bound = scope.counters(wanted)
        wrong = {name: (counters[name], value) for name, value in bound.items() if counters[name] != value}
        if wrong:
            yield f"C: partition {partition}: (stored, undisturbed) {wrong}"


def standing(bench: Bench) -> Iterator[str]:
    """C: checks of a run that did not end: no record was skipped, none was counted twice."""
    for partition, state in bench.stored.states().items():
        counted, passed = state.counters.events_in, sum(state.offsets.values())
        if counted != passed:
            yield f"C: partition {partition} counted {counted} records in {passed} offsets of {state.offsets}"


def _learning(bench: Bench, scope: Scope) -> Iterator[str]:
    """L: the examples learned are those of the undisturbed run, each once, and the model is the fold over them."""
    published: dict[str, Example] = {}
    for message in bench.topics.read("training-examples"):
        example = decode_example(message.value() or b"")
        if isinstance(example, InvalidExample):
            yield f"L: {example} was published"
        else:
            published.setdefault(example.example_id, example)
    yield from _labels(bench, scope, published)
    yield from _model(bench, scope, published)


def _labels(bench: Bench, scope: Scope, published: Mapping[str, Example]) -> Iterator[str]:
    expected = bench.expectation.published["training-examples"]
    names = {*expected, *published}
    named = dict(zip(digests(names), names, strict=True))
    learned = {named.get(digest, digest.hex()) for digest in bench.stored.learned()}
    wanted = set(expected)
    for some, what in ((wanted - learned, "were not learned"), (learned - wanted, "are not expected")):
        binding = [name for name in some if name not in names or scope.binds_example(name)]
        if binding:
            yield f"L: {len(binding)} examples {what}"


def _model(bench: Bench, scope: Scope, published: Mapping[str, Example]) -> Iterator[str]:
    """Byte by byte the fold over the examples in their order; in the layout of the release before, too.

    A trainer of the release before drops the models that it does not know, and others are taught by those: where there
    was one, each label counts once, and no more is compared.
    """
    learner = Learner(learner_settings_of(bench.settings))
    for example in published.values():
        learner.learn(example)
    dumped, offset = bench.client.hmget(bench.keys.checkpoint(), "learner", "offset")
    if scope.two_releases:
        is_right = Learner.load(dumped, learner_settings_of(bench.settings)).labels_seen == learner.labels_seen
    else:
        is_right = dumped in (learner.dump(), learner.dump(for_release_before=True))
    if not is_right:
        topic = (bench.settings.training_examples, 0)
        where = f"its checkpoint is at offset {offset!r}, {bench.topics.committed().get(topic)} is committed"
        yield f"L: the model is not the one that {len(published)} examples make; {where}"


def _offsets(bench: Bench) -> Iterator[str]:
    """D: nothing is committed to Kafka that is not stored."""
    committed = bench.topics.committed()
    stored = bench.stored.offsets()
    ahead = {tp: (offset, stored.get(tp)) for tp, offset in committed.items() if offset > stored.get(tp, 0)}
    if ahead:
        yield f"D: committed beyond what is stored: {ahead}"
