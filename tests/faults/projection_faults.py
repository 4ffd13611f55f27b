"""Faults of projections that run beside the core: their states are the fold over the log, whatever dies."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from stream.alerts.alert_records import Alert
from stream.events.kinds import KIND_OF, EventType
from stream.events.partitioner import partition_of
from stream.projections.all_projections import projections_of
from stream.projections.complaints import Complaints
from stream.projections.leads import lead_key, week_key
from stream.projections.protocol import Projection
from stream.projections.ratings import KIND
from stream.projections.recommendations import Recommendations
from stream.storage.keys import Keys, ProjectionKeys
from tests.faults.bench import Bench
from tests.faults.classified import classified, kept_texts, read_classified, read_texts
from tests.faults.feedback_log import Alerted, FeedbackLog, read_surveyed
from tests.faults.login_log import LoginLog
from tests.faults.ownership_faults import zombie
from tests.faults.redis_faults import cut_tail, flush
from tests.faults.refolded import recommendations_told, refolded
from tests.faults.scenario import EMBEDDED_HANGS, Fault, Trial
from tests.faults.worker import Plan
from tests.faults.worker_faults import kill_at_points
from tests.oracle.leads import Contact, leads_of
from tests.oracle.record import type_of

__all__ = [
    "EXPECTED",
    "PROJECTION_FAULTS",
    "kill_steps",
    "passed_on",
    "projection_alerts",
    "projection_states",
    "rebuild",
]

#: Partition and key of a state.
Key = tuple[int, str]

POINTS = tuple(f"projection {point}" for point in ("polled", "computed", "script sent", "script done", "acked"))


def projection_states(bench: Bench) -> Iterator[str]:
    """P: states are a count over the log, their published records are complete, and former generations are gone."""
    feedback = bench.feedback
    if feedback is None:
        return
    own: set[bytes] = set()
    for projection in projections_of(bench.settings):
        keys = present_keys(bench, projection)
        own |= {keys.meta(partition).encode() for partition in range(bench.log.partitions)}
        wanted, read = EXPECTED[projection.name]
        yield from _differences(projection.name, _stored(bench, keys, read), wanted(bench, feedback))
        if projection.name == Recommendations.name:
            yield from recommendations_told(bench)
    former = [key for key in bench.client.scan_iter("*:projection:*:meta") if key not in own]
    if former:
        yield f"P: of former generations there is still {former}"


def projection_alerts(bench: Bench) -> Iterator[str]:
    """P: the alerts about feedback are those that follow from the log, in the right number."""
    if bench.feedback is None or Complaints.name not in bench.settings.projections:
        return
    found = set()
    for message in bench.topics.read("alerts"):
        alert = msgspec.json.decode(message.value() or b"", type=Alert)
        if (heard := alert.heard) is not None:
            found.add(Alerted(alert.kind, alert.customer_id, heard.feedback_id, heard.open_hours > 0))
    wanted = bench.feedback.alerts(bench.settings)
    if found != wanted:
        yield f"P: alerts: {len(wanted - found)} missing {sorted(wanted - found)[:3]}, "
        yield f"P: alerts: {len(found - wanted)} too many {sorted(found - wanted)[:3]}"


def passed_on(bench: Bench) -> Iterator[str]:
    """P: every event under any id went to one customer, the one of its first time, and none was lost."""
    if bench.arrivals is None:
        return
    found: dict[str, set[str]] = {}
    for message in bench.topics.read("events.interaction"):
        body = orjson.loads(message.value() or b"")
        found.setdefault(body["event_id"], set()).add(body["customer_id"])
    wanted = {event_id: {customer} for event_id, customer in bench.arrivals.sent().items()}
    if wrong := [one for one in found.keys() | wanted.keys() if found.get(one) != wanted.get(one)]:
        one = min(wrong)
        yield f"P: {len(wrong)} events went elsewhere, such as {one}: {found.get(one)}, wanted {wanted.get(one)}"


def _differences(name: str, found: Mapping[Key, object], wanted: Mapping[Key, object]) -> Iterator[str]:
    wrong = [key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)]
    if wrong:
        one = min(wrong)
        yield f"P: {name}: {len(wrong)} states differ, such as {one}: {found.get(one)}, wanted {wanted.get(one)}"


def _stored(bench: Bench, keys: ProjectionKeys, read: Callable[[Any], object]) -> dict[Key, object]:
    """States by partition and key, as ``read`` says."""
    found: dict[Key, object] = {}
    for partition in range(bench.log.partitions):
        prefix = keys.customer(partition, "")
        for key in bench.client.scan_iter(f"{prefix}*", count=1000):
            if state := bench.client.get(key):
                found[partition, key.decode().removeprefix(prefix)] = read(orjson.loads(state))
    return found


def _counted(bench: Bench, feedback: FeedbackLog) -> dict[Key, object]:
    """Events by customer, day and type, of the lists of events that were written."""
    counts: dict[Key, dict[str, Counter[str]]] = {}
    happened = [
        (customer, event.at, type_of(event).value) for customer, events in bench.log.truth.items() for event in events
    ]
    happened += [(one.customer, one.at_ms, "feedback") for log in feedback.said for one in log]
    for customer, at_ms, type_ in happened:
        date = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
        days = counts.setdefault((partition_of(customer, bench.log.partitions), customer), {})
        days.setdefault(date, Counter())[type_] += 1
    return {key: {date: dict(count) for date, count in sorted(days.items())} for key, days in counts.items()}


def _leads(bench: Bench, feedback: FeedbackLog) -> dict[Key, object]:
    """Leads of the lists of events that were written, and the counts of each week in each partition."""
    contacts: dict[str, list[Contact]] = {
        customer: [Contact(event.kind, event.at) for event in events] for customer, events in bench.log.truth.items()
    }
    for one in (one for log in feedback.said for one in log):
        if one.name != "asked":  # the shop did that
            kind = KIND_OF[EventType.FEEDBACK, one.name]
            contacts.setdefault(one.customer, []).append(Contact(kind, one.at_ms))
    found: dict[Key, object] = {}
    for partition in range(bench.log.partitions):
        own = {who: of for who, of in contacts.items() if partition_of(who, bench.log.partitions) == partition}
        people, tables = leads_of(own)
        found |= {(partition, lead_key(who)): (one.weeks, one.ordered) for who, one in people.items()}
        found |= {(partition, week_key(week)): cells for week, cells in tables.items()}
    return found


def _lead(state: Any) -> object:
    if "week" in state:
        return state["cells"]
    return sorted(map(int, state.get("weeks", {}))), state.get("ordered")


def _opinion(state: Any) -> object:
    mean = state["total"] / state["weight"] if state["weight"] else 0.0
    return round(mean, 9), round(state["loyalty"], 9), state["complaints"]


def _tally(state: Any) -> object:
    scores, complaints = Counter[str](), Counter[str]()
    for scales in state["months"].values():
        scores.update(scales.get("nps", {}))
        complaints.update(scales.get(KIND, {}))
    assert set(complaints) <= {"0"}
    assert complaints["0"] == sum(kinds.get("complained", 0) for kinds in state["kinds"].values())
    channels = {name: {"nps": scales["nps"]} for name, scales in state["channels"].items() if "nps" in scales}
    assert channels in ({}, {"web": {"nps": dict(scores)}})
    return {**state["kinds"], "nps": dict(scores)}


def _arrivals(bench: Bench, _: FeedbackLog) -> Mapping[Key, object]:
    return {} if bench.arrivals is None else bench.arrivals.states()


def _alias(state: Any) -> object:
    _, (customer, *_), _, held, *_ = state
    return customer, sorted(arrival[-1]["event_id"] for arrival in held)


def _groups(bench: Bench, _: FeedbackLog) -> Mapping[Key, object]:
    return bench.arrivals.groups() if isinstance(bench.arrivals, LoginLog) else {}


def _node(state: Any) -> object:
    canonical, pairs, overflowed, *_ = state
    assert not overflowed
    return canonical, sorted(pairs)


def _cases(state: Any) -> object:
    return {ticket: case["at_ms"] for ticket, case in state.get("open", {}).items()}


#: The expected states of each projection, and how to read a stored one.
EXPECTED: Mapping[str, tuple[Callable[[Bench, FeedbackLog], Mapping[Key, object]], Callable[[Any], object]]] = {
    "activity": (_counted, lambda state: state["days"]),
    "satisfaction": (lambda _, feedback: feedback.opinions(), _opinion),
    "ratings": (lambda _, feedback: feedback.tallies(), _tally),
    "surveys": (lambda _, feedback: feedback.surveyed(), read_surveyed),
    "arrivals": (_arrivals, _alias),
    "identity": (_groups, _node),
    "complaints": (lambda _, feedback: feedback.cases(), _cases),
    "leads": (_leads, _lead),
    "recommendations": (refolded("recommendations"), lambda state: state),
    "offers": (refolded("offers"), lambda state: state),
    "points": (refolded("points"), lambda state: state),
    "texts": (kept_texts, read_texts),
    "classification": (classified, read_classified),
}


def present_keys(bench: Bench, projection: Projection[Any]) -> ProjectionKeys:
    """Keys of the present generation."""
    base = Keys(bench.settings.namespace)
    generation = int(bench.client.get(base.projection_generation(projection.name, projection.version)) or 0)
    return ProjectionKeys(bench.settings.namespace, projection.name, projection.version, generation)


def _nothing(trial: Trial) -> None:
    """No fault beside those in the log: late, repeated and malformed events."""
    trial.faults += 1


def kill_steps(trial: Trial) -> None:
    """A worker kills itself at each named point of a projection's step, once it has been there a few times."""
    kill_at_points(trial, POINTS, latest=4)


def rebuild(trial: Trial) -> None:
    """Projections are rebuilt under load while a worker is killed, and once more at rest."""
    bench = trial.bench

    def ask() -> None:
        for projection in projections_of(bench.settings):
            bench.client.incr(Keys(bench.settings.namespace).projection_generation(projection.name, projection.version))

    bench.wait_for_progress(trial.random.uniform(0.2, 0.5))
    ask()
    trial.faults += 1
    victim = trial.owner()

    def strike() -> None:
        bench.workers[victim].kill()
        bench.start(victim)

    trial.measure(strike, trial.partitions_of(victim))
    bench.settle()
    ask()
    trial.faults += 1
    bench.wait("the new generation at the ends of the log", bench.projected)
    bench.wait("the former generation dropped", lambda: not any(projection_states(bench)))


_BENCH = {"projections": "activity,satisfaction,ratings,surveys,complaints,leads"}
#: The first publishes the texts from which the second learns.
_TEXTS = {"projections": "texts,classification"}
_LOG = {"customers": 200}
#: Nothing is released: in these logs time stands still once they have been written. They are read in so few steps that
#: a kill at a named point does not strike: `projection-kill-at-point` tries the runner, which all projections share.
_ARRIVALS = {"projections": "arrivals", "identity_hold_h": 1000.0}
#: Events tell who is who, so the log of links and that of arrivals lead into each other.
_IDENTITY = {**_ARRIVALS, "projections": "identity,arrivals", "join_identities": True}

PROJECTION_FAULTS = (
    Fault("projection-undisturbed", "26", _nothing, runs=1, bench=_BENCH),
    Fault(
        "projection-kill-at-point",
        "26",
        kill_steps,
        runs=3,
        log={"customers": 400},
        bench=_BENCH,
        # a step stops the event loop for so long, and six apps share it: with more the log is not read in time
        plan=Plan(pace_ms=100.0),
        needs_kafka=EMBEDDED_HANGS,
    ),
    Fault(
        "projection-zombie",
        "26",
        zombie,
        runs=2,
        log={"customers": 150},
        bench=_BENCH,
        plan=Plan(pace_ms=100.0),
        needs_kafka=EMBEDDED_HANGS,
    ),
    Fault("projection-lost-tail", "26", cut_tail, runs=2, log=_LOG, bench=_BENCH, takes_state_away=True),
    Fault("projection-flushall", "26", flush, runs=2, bench=_BENCH, takes_state_away=True),
    Fault("arrivals-lost-tail", "26", cut_tail, runs=1, log=_LOG, bench=_ARRIVALS, takes_state_away=True),
    Fault("arrivals-rebuild", "26", rebuild, runs=1, log=_LOG, bench={**_ARRIVALS, "workers": 1}),
    Fault("identity-flushall", "26", flush, runs=1, log=_LOG, bench=_IDENTITY, takes_state_away=True),
    Fault("identity-rebuild", "26", rebuild, runs=1, log=_LOG, bench={**_IDENTITY, "workers": 1}),
    Fault("projection-texts-flushall", "26", flush, runs=2, bench=_TEXTS, takes_state_away=True),
    Fault("projection-texts-rebuild", "26", rebuild, runs=2, log=_LOG, bench={**_TEXTS, "workers": 1}),
    Fault("projection-rebuild", "26", rebuild, runs=2, log=_LOG, bench={**_BENCH, "workers": 1}),
)
