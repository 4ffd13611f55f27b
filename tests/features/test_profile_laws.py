"""Laws of every profile, for any events."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.features.apply import APPLIED, DUPLICATE
from stream.features.registry import FEATURE_NAMES
from tests.features.lists_of_events import BEGIN, DAY, event_lists, is_whole_refund
from tests.features.profiles import Profile
from tests.oracle.event import Event
from tests.oracle.features import features_at
from tests.oracle.model import inputs_of


def law(examples: int) -> settings:
    """No deadline: the first example may load, or even compile, the kernel."""
    return settings(max_examples=examples, deadline=None)


#: Every second list is long, because Hypothesis prefers short ones, in which little can happen.
lists = st.one_of(event_lists(), event_lists(least=20))
#: Time from the newest event to the evaluation of a profile.
delays = st.one_of(st.integers(0, 400 * DAY), st.sampled_from([0, 1, 90 * DAY]))


def profile_of(events: list[Event]) -> Profile:
    profile = Profile()
    profile.apply(events)
    return profile


@given(lists, delays)
@law(300)
def test_features_are_those_of_the_definition(events: list[Event], delay: int) -> None:
    now = max(event.at for event in events) + delay
    values = profile_of(events).values(now)
    assert values == features_at(events, now)
    assert tuple(values) == FEATURE_NAMES


@given(lists, delays)
@law(100)
def test_model_inputs_are_those_of_the_definition(events: list[Event], delay: int) -> None:
    now = max(event.at for event in events) + delay
    expected = inputs_of(features_at(events, now))
    assert profile_of(events).inputs(now) == [expected[name] for name in FEATURE_NAMES]


@given(st.data())
@law(200)
def test_the_order_of_arrival_within_the_retention_leaves_no_trace(data: st.DataObject) -> None:
    events = data.draw(lists)
    other = sorted(data.draw(st.permutations(events)), key=is_whole_refund)
    assert profile_of(events).packed() == profile_of(other).packed()


@given(st.data())
@law(200)
def test_an_event_that_comes_again_changes_nothing(data: st.DataObject) -> None:
    events = data.draw(lists)
    profile = profile_of(events)
    before = profile.packed()
    again = data.draw(st.permutations(events))
    assert set(profile.apply(again)) == {DUPLICATE}
    assert profile.packed() == before


@given(st.data())
@law(300)
def test_packing_between_any_two_events_leaves_no_trace(data: st.DataObject) -> None:
    events = data.draw(event_lists(span=200 * DAY, least=20))
    events += data.draw(st.lists(st.sampled_from(events), max_size=5))
    pauses = data.draw(st.sets(st.integers(0, len(events) - 1)))
    at_once, with_pauses = Profile(), Profile()
    outcomes = at_once.apply(events)
    for position, event in enumerate(events):
        assert with_pauses.apply([event]) == [outcomes[position]]
        if position in pauses:
            with_pauses.repack()
    assert with_pauses.packed() == at_once.packed()


@given(lists, delays)
@law(100)
def test_a_packed_profile_gives_the_same_bytes_and_features_again(events: list[Event], delay: int) -> None:
    profile = profile_of(events)
    packed = profile.packed()
    now = max(event.at for event in events) + delay
    values = profile.values(now)
    profile.repack()
    assert profile.packed() == packed
    assert profile.values(now) == values


@given(lists)
@law(100)
def test_every_event_within_the_retention_is_applied_once(events: list[Event]) -> None:
    profile = Profile()
    assert set(profile.apply(events)) == {APPLIED}
    assert profile["events"] == len(events)
    assert profile["first_at"] == min(event.at for event in events) >= BEGIN
