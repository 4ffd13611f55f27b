"""The outcome is a function of the logs: not of batches, sweeps, caches or crashes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.processing.rules import Rules
from stream.processing.scorer import WARMING
from tests.features.lists_of_events import DAY
from tests.oracle.model import Linear
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.logs import logs
from tests.processing.station import Log, Station

RULES = Rules(silence_bound_ms=70 * DAY, horizon_ms=28 * DAY)
#: The risk falls when a refund leaves a window, so that it crosses the level in both directions in silence.
UNSTEADY = Linear({"spend_7d": 1.5, "spend_28d": -1.0, "days_since_purchase": 0.7, "clicks_28d": -0.4}, bias=-0.5)

actions = st.lists(
    st.tuples(st.sampled_from(["step", "step", "sweep", "restart"]), st.integers(1, 9)), min_size=10, max_size=60
)


def assert_same(one: Station, other: Station) -> None:
    assert one.documents == other.documents
    assert one.timers == other.timers
    assert one.counters == other.counters
    assert one.per_customer() == other.per_customer()


@given(logs(whole_refunds=True), actions, st.sampled_from([SILENCE, UNSTEADY, None]))
@settings(max_examples=150, deadline=None)
def test_how_the_log_is_cut_into_steps_and_sweeps_does_not_matter(
    log: Log, plan: list[tuple[str, int]], model: Linear | None
) -> None:
    scorer = WARMING if model is None else scorer_of(model)
    at_once, piecemeal = Station(log, RULES, scorer), Station(log, RULES, scorer)
    at_once.finish()
    for action, size in plan:
        if action == "step":
            piecemeal.step(size)
        elif action == "sweep":
            piecemeal.sweep(size)
        else:
            piecemeal.restart(cache_bytes=size // 4 * 600, chunk=size)
    piecemeal.finish()
    assert_same(at_once, piecemeal)
    end = at_once.stream_time_ms + 200 * DAY
    at_once.advance_to(end)
    for moment in range(at_once.stream_time_ms - 190 * DAY, end + 1, 19 * DAY):
        piecemeal.advance_to(moment)
    piecemeal.advance_to(end)
    assert_same(at_once, piecemeal)


@given(logs(), st.data())
@settings(max_examples=60, deadline=None)
def test_records_that_are_delivered_again_change_only_the_count_of_duplicates(log: Log, data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(log), max_size=20))
    newest = max(event.at for _, event in log)
    again = [(customer, event) for customer, event in again if event.at > newest - 90 * DAY]
    once, twice = Station(log, RULES, scorer_of(SILENCE)), Station([*log, *again], RULES, scorer_of(SILENCE))
    once.finish()
    twice.finish()
    assert twice.documents == once.documents
    assert twice.timers == once.timers
    assert twice.per_customer() == once.per_customer()
    assert twice.counters.duplicates == len(again)
    assert twice.counters.applied == once.counters.applied
