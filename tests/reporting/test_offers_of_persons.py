"""Persons with several ids count once in what offers brought, as if all had come under one id from the start."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import orjson
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.identity.links import LinkName
from stream.notifications.hold_out import is_held_out
from stream.notifications.read_to_end import read_to_end
from stream.offering.offer_records import OfferDecision, decision_id_of
from stream.offering.offered import MAX_DECISIONS
from stream.processing.state import Counters, PartitionState
from stream.projections.identity import Identity
from stream.projections.leads import customer_in
from stream.projections.offers import Offers, OfferState
from stream.reporting.offers_of_persons import corrections, person_of
from stream.settings import Settings
from stream.storage.keys import ProjectionKeys
from tests.notifications.test_not_told import links
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of
from tests.projections.test_offers import Decided, Event, Ordered, one_a_day, record
from tests.projections.test_offers import decided as any_decision
from tests.projections.test_offers import ordered as any_order
from tests.reporting.conftest import CommandDesk
from tests.reporting.made_up_shop import DAY_MS, END_MS
from tests.reporting.test_offer_commands import fold

#: Of whom some ids are; the others are persons by themselves.
OWNERS = {"b": "a", "c": "a"}
IDS = ["a", "b", "c", "/2900"]


def folded_as(came: Iterable[tuple[str, Event]], owners: Mapping[str, str]) -> dict[str, OfferState]:
    """The states after events, each with the id under which it came."""
    parts: tuple[list[Record], list[Record]] = ([], [])
    for offset, (own_id, event) in enumerate(came):
        one, customer = record(offset, event), owners.get(own_id, own_id)
        value = orjson.dumps({**orjson.loads(one.value or b""), "customer_id": customer})
        parts[isinstance(event, Ordered)].append(
            Record(customer.encode(), value, offset=offset, timestamp=one.timestamp)
        )
    stepped = SteppedPartition(Offers(Settings(customer_ids="any")))
    outcome = stepped.step(*(part_of(source, part) for source, part in enumerate(parts)))
    assert (outcome.rejected, outcome.skipped) == ((), 0)
    return {key: msgspec.json.decode(state, type=OfferState) for key, state in outcome.written.items()}


def totals(weeks: Iterable[OfferState]) -> dict[str, int]:
    """All sums of weeks, each under a name of its own; without zeros."""
    found: Counter[str] = Counter()
    for one in weeks:
        found.update({f"{one.week} {name}": value for name, value in figures(one)})
    return {name: value for name, value in found.items() if value}


def figures(one: OfferState) -> Iterator[tuple[str, int]]:
    """The sums of a week."""
    yield from (("rows", one.sums.rows), ("worth", one.sums.worth))
    for what, sums in (("gram", one.sums.gram), ("moment", one.sums.moment)):
        yield from (
            (f"{what} {name} {place}", term) for name, terms in sums.items() for place, term in enumerate(terms)
        )
    for group, tallies in (("offered", one.offered), ("held", one.held)):
        for name, tally in tallies.items():
            yield from ((f"{group} {name} {what}", getattr(tally, what)) for what in tally.__struct_fields__)
    yield from ((f"spent {name} {day}", cost) for name, days in one.spent.items() for day, cost in days.items())


def weeks_of(states: Mapping[str, OfferState]) -> list[OfferState]:
    return [state for state in states.values() if state.week is not None]


def of_person(states: Mapping[str, OfferState]) -> dict[str, OfferState]:
    """What is stored under each id of the person with several."""
    by_id = {customer_in(key): state for key, state in states.items()}
    return {one: by_id[one] for one in ("a", *OWNERS) if one in by_id}


ids = st.sampled_from(IDS)
decisions = any_decision.flatmap(lambda one: ids.map(lambda own_id: one._replace(customer=own_id)))


@given(
    st.lists(decisions | any_order, max_size=20).map(one_a_day),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=20, max_size=20),
    st.fixed_dictionaries(dict.fromkeys(["nothing", "call", "coupon"], st.booleans())),
)
@settings(max_examples=100, deadline=None)
def test_the_sums_of_weeks_are_those_of_one_id(
    events: list[Event], under: list[str], held_out: dict[str, bool]
) -> None:
    """Also where an order is completed under one id and returned under another."""
    came: list[tuple[str, Event]] = []
    for event, own_id in zip(events, under, strict=False):
        if isinstance(event, Decided):
            came.append((event.customer, event._replace(held_out=held_out[event.drawn])))
        else:
            came.append((own_id if event.customer in OWNERS or event.customer == "a" else event.customer, event))
    apart, together = folded_as(came, {}), folded_as(came, OWNERS)
    corrected = [*weeks_of(apart), *corrections([of_person(apart)])]
    assert totals(corrected) == totals(weeks_of(together))
    if "a" in together:
        person = person_of(of_person(apart))
        assert person.decisions == together["a"].decisions
        assert person.came() == person_of({"a": together["a"]}).came()


def test_who_got_an_offer_and_was_held_out_from_it_under_another_id_is_in_neither_group() -> None:
    states = folded_as(
        [
            ("a", Decided("a", 1, "call", held_out=False)),
            ("a", Decided("a", 2, "coupon", held_out=False)),
            ("b", Decided("b", 3, "call", held_out=True)),
        ],
        {},
    )
    assert totals(weeks_of(states)).keys() >= {f"{week} {group} call customers" for week, group in groups_of(states)}
    left = totals([*weeks_of(states), *corrections([of_person(states)])])
    assert [name for name in left if name.endswith("customers")] == [
        f"{week} offered coupon customers" for week, group in groups_of(states) if group == "offered"
    ]
    # what they cost was spent all the same
    assert {name.split()[2] for name in left if " spent " in name} == {"call", "coupon"}


def groups_of(states: Mapping[str, OfferState]) -> list[tuple[int | None, str]]:
    return [(one.week, group) for one in weeks_of(states) for group in ("offered", "held") if getattr(one, group)]


def test_who_has_forgotten_decisions_stays_as_they_are_counted() -> None:
    many = [("a", Decided("a", day, "call", held_out=False)) for day in range(MAX_DECISIONS + 1)]
    states = folded_as([*many, ("b", Decided("b", 3, "call", held_out=False))], {})
    assert len(states["a"].decisions) == MAX_DECISIONS
    assert corrections([of_person(states)]) == []


@pytest.fixture
def linked_shop(shop: CommandDesk) -> CommandDesk:
    """The projection `identity` has folded something."""
    keys = ProjectionKeys(shop.settings.namespace, Identity.name, Identity.version, 0)
    with redis.Redis.from_url(shop.settings.redis_url) as client:
        client.hset(keys.meta(0), "state", msgspec.json.encode(PartitionState(counters=Counters(applied=1))))
    return shop


def decided_by(shop: CommandDesk) -> dict[str, OfferDecision]:
    """What `stream offers` would decide now."""
    lines = shop.run("offers", "--json").stdout.splitlines()
    made = (msgspec.json.decode(line, type=OfferDecision) for line in lines)
    return {one.customer_id: one for one in made}


def test_a_person_is_decided_about_once_under_all_ids(linked_shop: CommandDesk) -> None:
    shop, planned = linked_shop, decided_by(linked_shop)
    one, other, alone = sorted(planned)[:3]
    assert shop.run("offers", "--decide").exit_code == 0
    published = [
        msgspec.json.decode(record.value or b"", type=OfferDecision)
        for record in read_to_end(shop.settings, shop.settings.offers)
    ]
    fold(shop, [decision for decision in published if decision.customer_id == other], {})
    assert decided_by(shop).keys() == planned.keys() - {other}
    links(shop.bench, (LinkName.MERGE, other, one))
    assert decided_by(shop).keys() == planned.keys() - {one, other}
    told = shop.run("offer", one)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("Decided on ")
    links(shop.bench, (LinkName.MERGE, other, one), (LinkName.UNMERGE, other, one))
    assert decided_by(shop).keys() == planned.keys() - {other}
    assert alone in planned


def test_a_person_stays_in_the_group_in_which_they_were_first(linked_shop: CommandDesk) -> None:
    shop, planned = linked_shop, decided_by(linked_shop)
    held = [who for who, made in planned.items() if made.held_out]
    free = [who for who, made in planned.items() if not made.held_out]
    one, other = free[0], held[0]
    assert is_held_out(other, "s", 0.3)
    assert not is_held_out(one, "s", 0.3)
    past = msgspec.structs.replace(planned[other], decided_at=(END_MS - 100 * DAY_MS) / 1000)
    fold(shop, [msgspec.convert(msgspec.to_builtins(past), OfferDecision, strict=False)], {})
    links(shop.bench, (LinkName.MERGE, other, one))
    now = decided_by(shop)
    assert other not in now
    assert now[one].held_out


def test_the_effect_counts_persons(linked_shop: CommandDesk) -> None:
    shop, planned = linked_shop, decided_by(linked_shop)
    one, other, alone = sorted(planned)[:3]
    at_ms = END_MS - 100 * DAY_MS
    fields = {"offer": "ten-off", "drawn": "ten-off", "channel": "email", "held_out": False, "decided_at": at_ms / 1000}
    made = [
        msgspec.convert(
            {**msgspec.to_builtins(planned[who]), **fields, "decision_id": decision_id_of(who, at_ms)},
            OfferDecision,
            strict=False,
        )
        for who in (one, other, alone)
    ]
    fold(shop, made, {})

    def offered() -> list[int]:
        done = shop.run("effect", "--json")
        assert done.exit_code == 0, done.stderr
        return [found["offered"] for found in json.loads(done.stdout)["offers"]]

    assert offered() == [3]
    links(shop.bench, (LinkName.MERGE, other, one))
    assert offered() == [2]
    links(shop.bench, (LinkName.MERGE, other, one), (LinkName.UNMERGE, other, one))
    assert offered() == [3]
