"""People who are linked, merged and taken apart, with their histories, while workers die at every point of a step."""

import signal
from collections.abc import Iterator
from functools import partial

import msgspec
import orjson

from stream.events.partitioner import partition_of
from stream.identity.records import KEY
from stream.processing.document import packed_state
from stream.processing.editions import is_empty, merged_into
from stream.projections.activity import Activity
from stream.projections.all_projections import projections_of
from stream.projections.identity import Identity
from stream.storage.consent_desk import ConsentDesk
from stream.storage.keys import ProjectionKeys
from tests.faults.bench import Bench
from tests.faults.moving_log import MovingLog, made_moves
from tests.faults.projection_faults import POINTS as PROJECTION_POINTS
from tests.faults.scenario import Fault, Trial
from tests.faults.waiting import TooLateError
from tests.faults.worker_faults import POINT_TIMEOUT_S
from tests.faults.worker_faults import POINTS as CORE_POINTS
from tests.features.profiles import Profile
from tests.identity.test_histories import counted

__all__ = ["MOVING_FAULTS"]

#: Items that are written at a time, so that histories move while others come.
_AT_ONCE = 12
_SETTLED_S = 240.0


def _kill_moving(trial: Trial) -> None:
    """A worker kills itself at each named point, of the core and of projections, while histories of people move."""
    bench = trial.bench
    log = made_moves(bench.log.seed, bench.log.partitions)
    # the profile of before a join is kept for 90 days of stream time, which this log goes through
    bench.wait("the log of others is read", partial(_others_are_read, bench), _SETTLED_S)
    points = [*PROJECTION_POINTS, *CORE_POINTS]
    share = len(log.items) // len(points)
    (name,) = bench.workers
    for turn, point in enumerate(trial.random.sample(points, len(points)), 1):
        # one that did not come to its point
        bench.workers[name].kill()
        doomed = bench.start(name, msgspec.structs.replace(bench.plan, exit_at=(point, trial.random.randint(1, 9))))
        try:
            doomed.expected_status = -signal.SIGKILL
            until = partial(_is_dead_or_fed, bench, log, turn * share)
            bench.wait(f"the end at {point!r}", until, POINT_TIMEOUT_S)
        except TooLateError as late:
            trial.findings.append(f"X: {late}")
        trial.points[point] += 1
        trial.faults += 1
    bench.workers[name].kill()
    bench.start(name)
    log.produce(bench.settings, len(log.items) - log.written)
    bench.wait("all logs are read to their ends", partial(_is_settled, bench), _SETTLED_S)
    trial.findings += _violations(bench, log)


def _others_are_read(bench: Bench) -> bool:
    """Whether the core has read the log that goes on beside."""
    states = bench.stored.states()
    return len(states) == bench.log.partitions and all(
        state.offsets.get(topic, 0) >= end
        for partition, state in states.items()
        for topic, end in zip(bench.settings.event_topics, bench.log.ends(partition), strict=True)
    )


def _is_dead_or_fed(bench: Bench, log: MovingLog, up_to: int) -> bool:
    """Whether the worker has ended; until then there is more to read, as far as the story goes."""
    (worker,) = bench.workers.values()
    if not worker.running:
        return True
    if log.written < up_to:
        log.produce(bench.settings, min(_AT_ONCE, up_to - log.written))
    return False


def _is_settled(bench: Bench) -> bool:
    """Whether everything is read and published, by the core and by projections, and stays so."""
    bench.check_workers()
    topics = {topic for one in projections_of(bench.settings) for topic in (source.topic for source in one.inputs)}
    ends = {topic: bench.topics.ends(topic) for topic in topics | {*bench.settings.event_topics}}
    partitions = range(bench.log.partitions)
    states = bench.stored.states()
    for topic in bench.settings.event_topics:
        if [states[p].offsets.get(topic, 0) if p in states else 0 for p in partitions] != ends[topic]:
            return False
    for projection in projections_of(bench.settings):
        stored = bench.stored.projection_offsets(projection.name, projection.version)
        for source in projection.inputs:
            if [offsets.get(source.topic, 0) for offsets in stored] != ends[source.topic]:
                return False
        if bench.stored.projection_pending(projection.name, projection.version):
            return False
    if not bench.published():
        return False
    # one may have published, meanwhile, what another reads
    return all(bench.topics.ends(topic) == end for topic, end in ends.items())


def _violations(bench: Bench, log: MovingLog) -> Iterator[str]:
    yield from _groups(bench, log)
    yield from _profiles(bench, log)
    yield from _states(bench, log)
    with ConsentDesk(bench.settings) as desk:
        consented, wanted = desk.read(log.ids), log.agreements()
    if wrong := [one for one in log.ids if consented.of(one) != wanted[one]]:
        yield f"P: consents of {wrong} differ: {consented.of(wrong[0])}, wanted {wanted[wrong[0]]}"


def _groups(bench: Bench, log: MovingLog) -> Iterator[str]:
    """The customer of each id follows from all links."""
    resolver = log.resolver()
    keys = ProjectionKeys(bench.settings.namespace, Identity.name, Identity.version, 0)
    home = partition_of(KEY, bench.log.partitions)
    for own_id in log.ids:
        state = bench.client.get(keys.customer(home, own_id))
        found = (orjson.loads(state)[0] if state else "") or own_id
        if found != resolver.customer_of(own_id):
            yield f"P: {own_id} belongs to {found}, wanted {resolver.customer_of(own_id)}"


def _profiles(bench: Bench, log: MovingLog) -> Iterator[str]:
    """Each customer has in the core, byte for byte, the events of their ids; nobody else has any."""
    resolver, events = log.resolver(), log.events()
    for one in {*log.ids, *events}:
        document = bench.client.get(bench.keys.customer(partition_of(one, bench.log.partitions), one))
        if one not in events:
            if document is not None and not is_empty(document):
                yield f"E: {one} has events, and belongs to {resolver.customer_of(one)}"
            elif document is not None and merged_into(document) not in {None, resolver.customer_of(one)}:
                yield f"E: {one} went to {merged_into(document)}, wanted {resolver.customer_of(one)}"
            continue
        if document is None or is_empty(document):
            yield f"L: {one} has no events, wanted {len(events[one])}"
            continue
        wanted = Profile(one)
        wanted.apply(sorted(events[one], key=lambda event: event.at))
        if counted(packed_state(document), one, wanted) != wanted.packed():
            yield f"F: {one} has {orjson.loads(document)['events']} events, wanted {len(events[one])}, or other ones"


def _states(bench: Bench, log: MovingLog) -> Iterator[str]:
    """What moves with a person is of the customer whose the events are, but for what did not come by `arrivals`."""
    keys = ProjectionKeys(bench.settings.namespace, Activity.name, Activity.version, 0)
    wanted = log.days()
    for one in {*log.ids, *wanted}:
        state = bench.client.get(keys.customer(partition_of(one, bench.log.partitions), one))
        days = orjson.loads(state)["days"] if state else {}
        of_core = {date: {kind: n for kind, n in of.items() if kind != "consent"} for date, of in days.items()}
        found = {date: of for date, of in of_core.items() if of}
        if found != wanted.get(one, {}):
            yield f"P: activity of {one}: {found}, wanted {wanted.get(one, {})}"


MOVING_FAULTS = (
    Fault(
        "histories-kill-at-point",
        "26",
        _kill_moving,
        runs=1,
        log={"customers": 20},
        bench={
            "workers": 1,
            "projections": "identity,arrivals,activity,consents",
            "join_identities": True,
            "identity_history_days": 90,
            "identity_key": "k" * 32,
        },
        # what is sent again is in the topics of the core as well, of which the usual end knows nothing
        ends_in_refusal=True,
        takes_state_away=True,
        beside_broker=True,
    ),
)
