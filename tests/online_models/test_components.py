"""What every component must keep, those that are added later as well: the suite is run over all of `COMPONENTS`."""

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import Struct

from stream.errors import SnapshotError
from stream.features.registry import COLUMN, FEATURE_NAMES
from stream.online_models.component import Component, Shop
from stream.online_models.components import COMPONENTS
from stream.online_models.components.churn import Churn
from stream.online_models.example import Example, Label, Overdue, decode_example, encode_example
from stream.online_models.inputs import FIRST_FEATURES, MISSING, packed_inputs, unpacked_inputs
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.slots import MAX_SLOTS, Slots
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from tests.online_models.made_up import START_MS, customer, examples, label, quantised

NOW_MS = 1_800_000_000_000
SETTINGS = LearnerSettings(min_labels=100, min_class_labels=10)
#: A number in JSON that is not part of a text.
NUMBER = re.compile(r"(?<=[\[ ])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?=[,\]}])")
STORED = Path(__file__).parents[1] / "upgrade" / "models"


class OrderTotalState(Struct, kw_only=True):
    orders: float = 0.0
    labels: int = 0


class OrderTotal(Component):
    """A model that is added here alone: how many orders a label has on average."""

    name = "order_total"
    state_type = OrderTotalState

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.total = OrderTotalState()

    def learn(self, example: Example) -> None:
        if isinstance(example, Label):
            self.total.orders += example.purchases
            self.total.labels += 1

    def state(self) -> OrderTotalState:
        return self.total

    def resume(self, state: OrderTotalState) -> None:
        self.total = state

    def snapshot(self) -> dict[str, float] | None:
        return {"mean": self.total.orders / self.total.labels} if self.total.labels else None

    def describe(self) -> str:
        return f"counts orders of {self.total.labels} labels"


ALL: tuple[type[Component], ...] = (*COMPONENTS, OrderTotal)
NAMES = [kind.name for kind in ALL]


def seen(seed: int, count: int) -> list[Example]:
    """Observations, labels and customers who are overdue."""
    found: list[Example] = []
    for position, example in enumerate(examples(seed, count)):
        found.append(example)
        if position % 9 == 0:
            overdue = Overdue(
                example_id=f"d{position}", customer_id="c", at_ms=example.at_ms, x=example.x, weight=1.0 + position
            )
            found.append(overdue)
    return found


def learned(found: list[Example], learner: Learner | None = None) -> Learner:
    learner = learner or Learner(SETTINGS, components=ALL)
    for example in found:
        assert learner.learn(example) is None
    return learner


def load(value: bytes) -> Learner:
    return Learner.load(value, SETTINGS, components=ALL)


@pytest.fixture(scope="module")
def dump() -> bytes:
    return learned(seen(1, 1_200)).dump()


def states(value: bytes) -> dict[str, Any]:
    """What is stored of each component."""
    found: dict[str, Any] = json.loads(value)["content"]["components"]
    return found


def altered(value: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The checkpoint with other components, and checksums that fit them."""
    envelope = json.loads(value)
    content = envelope["content"]
    change(content["components"])
    for sealed in content["components"].values():
        sealed["checksum"] = hashlib.sha256(msgspec.json.encode(sealed["content"])).hexdigest()
    body = msgspec.json.encode(content)
    whole = {"schema": envelope["schema"], "checksum": hashlib.sha256(body).hexdigest(), "content": msgspec.Raw(body)}
    return msgspec.json.encode(whole)


@pytest.mark.parametrize("name", NAMES)
def test_a_component_goes_on_bit_for_bit(name: str, dump: bytes) -> None:
    found = seen(1, 1_200)
    stopped = load(learned(found[:700]).dump())
    assert states(stopped.dump())[name] == states(learned(found[:700]).dump())[name]
    assert states(learned(found[700:], stopped).dump())[name] == states(dump)[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_component_never_sees_what_is_not_finite(name: str, dump: bytes) -> None:
    learner = load(dump)
    good = label(quantised(), churned=True, risk=0.5)
    overdue = Overdue(example_id="d", customer_id="c", at_ms=START_MS, x=quantised(), weight=1.0)
    for number in (float("nan"), float("inf"), -float("inf")):
        for bad in (
            msgspec.structs.replace(good, spend=number),
            msgspec.structs.replace(good, risk=number),
            msgspec.structs.replace(overdue, weight=number),
        ):
            assert learner.learn(bad) is not None
    assert states(learner.dump())[name] == states(dump)[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_state_with_a_number_that_is_not_finite_is_refused(name: str, dump: bytes) -> None:
    kind = next(kind for kind in ALL if kind.name == name)
    body = json.dumps(states(dump)[name]["content"])
    numbers = [found.span() for found in NUMBER.finditer(body)]
    assert isinstance(kind.decode(kind.version, body.encode()), kind.state_type)
    assert numbers
    for begin, end in numbers[:: max(len(numbers) // 40, 1)]:
        for number in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999"):
            with pytest.raises(SnapshotError, match=f"component {name}"):
                kind.decode(kind.version, f"{body[:begin]}{number}{body[end:]}".encode())


@pytest.fixture(scope="module")
def sizes() -> list[dict[str, int]]:
    """Bytes stored of each component after 4,500 and after 9,000 examples, which fill every buffer."""
    learner = Learner(SETTINGS, components=ALL)
    found = list(examples(2, 9_000))
    measured = []
    for part in (found[:4_500], found[4_500:]):
        stored = states(learned(part, learner).dump())
        measured.append({name: len(json.dumps(state)) for name, state in stored.items()})
    return measured


@pytest.mark.parametrize("name", NAMES)
def test_a_component_stays_small(name: str, sizes: list[dict[str, int]]) -> None:
    # numbers get longer, and weeks are added up to a bound
    assert sizes[1][name] < 1.2 * sizes[0][name] + 2_000


def test_what_is_stored_names_its_features_so_that_their_order_means_nothing(dump: bytes) -> None:
    def reordered(components: dict[str, Any]) -> None:
        for name in ("drift", "segments", "value"):
            state = components[name]["content"]
            state["features"].reverse()
            for part in ("means", "variances"):
                state["scaler"][part].reverse()
        components["drift"]["content"]["series"].reverse()
        components["drift"]["content"]["weeks"] = {}
        components["segments"]["content"]["recent"] = [row[::-1] for row in components["segments"]["content"]["recent"]]
        for segment in components["segments"]["content"]["segments"]:
            segment["centroid"].reverse()
        for part in ("orders_weights", "spend_weights"):
            components["value"]["content"][part].reverse()

    expected, found = states(dump), states(load(altered(dump, reordered)).dump())
    for name in ("segments", "value"):
        assert found[name]["content"] == expected[name]["content"]
    assert found["drift"]["content"]["scaler"] == expected["drift"]["content"]["scaler"]


@pytest.mark.parametrize("gone", ["spend_28d", "order_value", "clicks_90d"])
def test_a_feature_that_emerges_begins_neutral_and_the_others_keep_what_they_learned(gone: str, dump: bytes) -> None:
    """The checkpoint is that of a program that knew ``shoe_size`` in the place of ``gone``."""
    older = altered(dump, lambda components: _renamed(components, gone))
    learner, before = load(older), load(dump)
    x = customer(np.random.default_rng(5))
    without = list(x)
    without[COLUMN[gone]] = MISSING
    for contender in learner.contenders():
        new, old = (one.of(Churn).championship.model(contender) for one in (learner, before))
        assert new.predict_proba_one(x) == pytest.approx(old.predict_proba_one(without), abs=1e-12)
    churn = learner.snapshot(NOW_MS).churn
    assert churn.weights[COLUMN[gone]] == 0.0
    decode_snapshot(encode_snapshot(learner.snapshot(NOW_MS)))
    learned(seen(3, 600), learner)
    assert learner.snapshot(NOW_MS).churn.weights[COLUMN[gone]] != 0.0
    assert load(learner.dump()).dump() == learner.dump()


def _renamed(components: dict[str, Any], name: str) -> None:
    other = "shoe_size"
    for component in ("drift", "segments", "value"):
        features = components[component]["content"]["features"]
        features[:] = [other if feature == name else feature for feature in features]
    for contender in components["churn"]["content"]["championship"]["contenders"]:
        for part in ("regression", "simple"):
            inputs = contender["churn"][part]["inputs"]
            inputs[:] = [f"{other}*{term}" if name in term.split("*") else term for term in inputs]


@pytest.mark.parametrize("column", range(0, len(FEATURE_NAMES), 4))
def test_an_input_that_an_example_lacks_is_that_of_a_typical_customer(column: int, dump: bytes) -> None:
    learner = load(dump)
    generator = np.random.default_rng(7)
    for number in range(20):
        x = customer(generator)
        x[column] = MISSING
        assert learner.learn(label(x, churned=number % 2 == 0, risk=0.4, at_ms=START_MS + number)) is None
    churn = learner.snapshot(NOW_MS).churn
    assert all(np.isfinite(churn.weights))
    assert decode_snapshot(encode_snapshot(learner.snapshot(NOW_MS))) == learner.snapshot(NOW_MS)


def test_a_model_is_added_by_one_class_and_one_line(dump: bytes) -> None:
    published = learned(seen(1, 300)).snapshot(NOW_MS)
    assert isinstance(published.others, dict)
    assert set(published.others) == {"order_total"}
    assert decode_snapshot(encode_snapshot(published)).others == published.others
    kept = load(dump).of(OrderTotal).total
    labels = [example for example in seen(1, 1_200) if isinstance(example, Label)]
    assert (kept.labels, kept.orders) == (len(labels), sum(example.purchases for example in labels))
    assert set(load(dump).describe()) == set(NAMES)


def test_an_unknown_component_is_carried_along_and_a_missing_one_begins(dump: bytes) -> None:
    without = Learner.load(dump, SETTINGS)
    assert without.notes == ("order_total is not known to this program and is carried along",)
    learned(seen(4, 50), without)
    again = load(without.dump())
    assert again.of(OrderTotal).total == load(dump).of(OrderTotal).total
    assert again.notes == (f"order_total goes on; {len(seen(4, 50))} examples were learned without it",)
    fresh = load(altered(dump, lambda components: components.pop("order_total")))
    assert fresh.notes == ("order_total is not in the checkpoint and begins with nothing learned",)
    assert fresh.of(OrderTotal).total.labels == 0


def test_a_component_of_a_later_version_or_with_another_checksum_is_refused(dump: bytes) -> None:
    with pytest.raises(SnapshotError, match="component value of the checkpoint has version 9"):
        load(altered(dump, lambda components: components["value"].update(version=9)))
    with pytest.raises(SnapshotError, match="component levels"):
        load(altered(dump, lambda components: components["levels"].update(content={"then": 1})))
    with pytest.raises(SnapshotError, match="component churn"):
        load(altered(dump, lambda c: c["churn"]["content"]["championship"]["contenders"][0].update(shaken=3)))


def test_examples_go_by_name_between_programs_of_different_features() -> None:
    features = ["shoe_size", *reversed(FIRST_FEATURES[1:])]
    x = list(range(len(features)))
    first, others = packed_inputs(x, features)
    assert unpacked_inputs(first, others, features) == x
    here = unpacked_inputs(first, others)
    assert here[COLUMN[FIRST_FEATURES[0]]] == MISSING
    assert [here[COLUMN[name]] for name in features[1:]] == x[1:]
    sent = json.loads(encode_example(label(first, churned=True))) | {"others": others}
    received = decode_example(json.dumps(sent).encode())
    assert isinstance(received, Label)
    assert received.x == here


def test_slots_of_contenders_outlive_the_order_of_the_roster() -> None:
    slots = Slots(("new", "patient", "standard"), ("standard", "quick", "patient"))
    assert slots.speaker(70_001) == ("quick", 7_000)
    assert slots.version("new", 7_000) == 70_003
    full = Slots(("a", *map(str, range(9))), tuple(map(str, range(10))))
    assert full.names == (*map(str, range(9)), "a")
    assert full.speaker(MAX_SLOTS * 5 + 9) == ("a", 5)
    assert slots.speaker(9)[0] is None
    with pytest.raises(ValueError, match="expected 1"):
        Slots(tuple(map(str, range(11))))


@pytest.mark.parametrize("commit", ["f26be6a", "57d15e9"])
def test_a_checkpoint_of_an_earlier_program_goes_on(commit: str) -> None:
    """Written by the program of that commit after 1,500 made-up examples, with what it published then."""
    settings = LearnerSettings(min_labels=300, min_class_labels=20)
    stored = gzip.decompress((STORED / f"{commit}-checkpoint.json.gz").read_bytes())
    learner = Learner.load(stored, settings)
    for line in gzip.decompress((STORED / f"{commit}-snapshots.jsonl.gz").read_bytes()).splitlines():
        old = decode_snapshot(line)
        new = learner.snapshot(NOW_MS, old.churn.name)
        assert new.churn == old.churn
        assert new.segments == old.segments
        assert new.churn.version % MAX_SLOTS == ("standard", "quick", "patient").index(old.churn.name)
        assert old.value is not None
        assert new.value is not None
        assert new.value.means == old.value.means
        assert new.value.spend_weights == old.value.spend_weights
    missing = {"f26be6a": {"rhythm"}, "57d15e9": set()}[commit]
    assert {note.split(" ", 1)[0] for note in learner.notes} == missing
    learned(seen(8, 200), learner)
    assert Learner.load(learner.dump(), settings).dump() == learner.dump()


def test_until_an_upgrade_is_finished_the_release_before_can_go_on_from_the_checkpoint() -> None:
    """The program of 57d15e9 needs every field that it wrote itself, under the schema that it knows."""
    stored = gzip.decompress((STORED / "57d15e9-checkpoint.json.gz").read_bytes())
    learner = Learner.load(stored)
    learned(seen(8, 200), learner)
    dumped = learner.dump(for_release_before=True)
    old, new = json.loads(stored), json.loads(dumped)
    assert new["schema"] == old["schema"] == "stream.learner-checkpoint/3"
    assert new["content"]["features"] == old["content"]["features"]
    assert old["content"].keys() <= new["content"].keys()
    for name, state in old["content"].items():
        if isinstance(state, dict):
            # an own correction's weight is always the default since then
            assert state.keys() <= new["content"][name].keys(), name
    assert Learner.load(dumped).dump() == learner.dump()


def test_a_checkpoint_with_more_than_the_first_layout_holds_is_written_in_the_present_one() -> None:
    more = learned(seen(8, 50), Learner(components=(*COMPONENTS, OrderTotal)))
    assert more.dump(for_release_before=True) == more.dump()
    carrying = Learner.load(more.dump())
    assert carrying.notes
    assert carrying.dump(for_release_before=True) == carrying.dump()


def test_the_list_that_examples_on_the_way_refer_to_never_changes() -> None:
    digest = hashlib.sha256(" ".join(FIRST_FEATURES).encode()).hexdigest()
    assert digest == "eb2866dc0ca494d02e537dce7bae28285e014a0fb3f99dbc3cdad8a6d71642e3"
