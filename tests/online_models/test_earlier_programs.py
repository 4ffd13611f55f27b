"""Checkpoints between programs of different components, features and versions."""

import gzip
import hashlib
import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from stream.errors import SnapshotError
from stream.features.registry import COLUMN
from stream.online_models.components import COMPONENTS
from stream.online_models.components.churn import ChurnComponentState
from stream.online_models.example import Label, decode_example, encode_example
from stream.online_models.first_layout import FIRST_SIMPLE_TERMS, FIRST_TERMS
from stream.online_models.hedge import Hedge
from stream.online_models.inputs import FIRST_FEATURES, MISSING, packed_inputs, unpacked_inputs
from stream.online_models.learner import Learner
from stream.online_models.second_order import SecondOrderRegression
from stream.online_models.slots import MAX_SLOTS, Slots
from stream.online_models.snapshot import decode_snapshot
from stream.processing.scorer import Scorer
from tests.online_models.component_states import (
    NOW_MS,
    SETTINGS,
    OrderTotal,
    altered,
    learned,
    load,
    seen,
)
from tests.online_models.made_up import label
from tests.upgrade.dump_models import MODELS
from tests.upgrade.dump_models import SETTINGS as DUMPED


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
def test_a_checkpoint_of_an_earlier_program_is_continued(commit: str) -> None:
    """Written by the program of that commit after 1,500 made-up examples, with what it published then."""
    stored = gzip.decompress((MODELS / f"{commit}-checkpoint.json.gz").read_bytes())
    learner = Learner.load(stored, DUMPED)
    for line in gzip.decompress((MODELS / f"{commit}-snapshots.jsonl.gz").read_bytes()).splitlines():
        old = decode_snapshot(line)
        new = learner.snapshot(NOW_MS, old.churn.name)
        # the purchase process had no part in the risk then
        assert old.churn.process_share == 0.0
        # the programs of then summed in an order that depended on the processor, so the last digit may differ
        assert new.churn.intercept == pytest.approx(old.churn.intercept, rel=1e-15)
        known = replace(new.churn, process_share=0.0, process_hedge=0.0, intercept=old.churn.intercept)
        assert known == old.churn
        model = Scorer.of(old).model
        assert (model.ready, model.process_weight, model.bias) == (old.churn.ready, 0.0, old.churn.intercept)
        assert new.segments == old.segments
        assert new.churn.version % MAX_SLOTS == ("standard", "quick", "patient").index(old.churn.name)
        assert old.value is not None
        assert new.value is not None
        assert new.value.means == old.value.means
        assert new.value.spend_weights == old.value.spend_weights
    missing = {"f26be6a": {"rhythm", "purchases", "rfm"}, "57d15e9": {"purchases", "rfm"}}[commit]
    assert {note.split(" ", 1)[0] for note in learner.notes} == missing
    learned(seen(8, 200), learner)
    assert Learner.load(learner.dump(), DUMPED).dump() == learner.dump()


@pytest.mark.parametrize("layout", [5])
def test_a_checkpoint_of_this_layout_is_read_as_it_was_written(layout: int) -> None:
    """Of every release that changes what is stored there is one, with what it published then."""
    stored = gzip.decompress((MODELS / f"layout-{layout}-checkpoint.json.gz").read_bytes())
    learner = Learner.load(stored, DUMPED)
    assert learner.notes == ()
    assert learner.dump() == stored
    for line in gzip.decompress((MODELS / f"layout-{layout}-snapshots.jsonl.gz").read_bytes()).splitlines():
        old = decode_snapshot(line)
        assert old.churn.ready
        assert learner.snapshot(NOW_MS, old.churn.name) == old
    learned(seen(8, 200), learner)
    assert Learner.load(learner.dump(), DUMPED).dump() == learner.dump()


def test_until_an_upgrade_is_finished_the_release_before_can_go_on_from_the_checkpoint() -> None:
    """The program of 57d15e9 needs every field that it wrote itself, under the schema that it knows."""
    stored = gzip.decompress((MODELS / "57d15e9-checkpoint.json.gz").read_bytes())
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
    again, whole = (
        json.loads(value)["content"]["components"] for value in (Learner.load(dumped).dump(), learner.dump())
    )
    # left out: what the previous release does not know, and what restarts without harm
    for component in (again, whole):
        component["churn"] = _of_the_first_terms(component["churn"]["content"])
    assert (
        again.pop("purchases")["content"]["fitted_customers"]
        == 0
        < whole.pop("purchases")["content"]["fitted_customers"]
    )
    assert not again.pop("rfm")["content"]["weeks"]
    assert whole.pop("rfm")["content"]["weeks"]
    assert again == whole


def _of_the_first_terms(churn: dict[str, Any]) -> ChurnComponentState:
    """The state without the purchase process, which became a term of the churn models later."""
    found = msgspec.json.decode(json.dumps(churn), type=ChurnComponentState)
    contenders = tuple(
        replace(
            one,
            churn=replace(
                one.churn,
                regression=SecondOrderRegression.from_state(one.churn.regression, FIRST_TERMS).state(FIRST_TERMS),
                simple=SecondOrderRegression.from_state(one.churn.simple, FIRST_SIMPLE_TERMS).state(FIRST_SIMPLE_TERMS),
            ),
        )
        for one in found.championship.contenders
    )
    return replace(found, championship=replace(found.championship, contenders=contenders), processes=(), hedge=Hedge())


def test_a_checkpoint_with_more_than_the_first_layout_holds_is_written_in_the_present_one() -> None:
    more = learned(seen(8, 50), Learner(components=(*COMPONENTS, OrderTotal)))
    assert more.dump(for_release_before=True) == more.dump()
    carrying = Learner.load(more.dump())
    assert carrying.notes
    assert carrying.dump(for_release_before=True) == carrying.dump()


def test_the_list_that_examples_on_the_way_refer_to_never_changes() -> None:
    digest = hashlib.sha256(" ".join(FIRST_FEATURES).encode()).hexdigest()
    assert digest == "eb2866dc0ca494d02e537dce7bae28285e014a0fb3f99dbc3cdad8a6d71642e3"
