"""The contract of every component, later ones included: the suite runs over all of `COMPONENTS`."""

import json
import re
from typing import Any

import msgspec
import numpy as np
import pytest

from stream.errors import SnapshotError
from stream.features.registry import COLUMN, FEATURE_NAMES
from stream.online_models.components.churn import Churn
from stream.online_models.example import Label, Overdue
from stream.online_models.inputs import MISSING
from stream.online_models.learner import Learner
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from tests.online_models.component_states import ALL, NOW_MS, SETTINGS, OrderTotal, altered, learned, load, seen
from tests.online_models.made_up import START_MS, customer, examples, label, quantised

#: A number in JSON that is not part of a text.
NUMBER = re.compile(r"(?<=[\[ ])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?=[,\]}])")


NAMES = [kind.name for kind in ALL]


def states(value: bytes) -> dict[str, Any]:
    """What is stored of each component."""
    found: dict[str, Any] = json.loads(value)["content"]["components"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_component_continues_bit_for_bit(name: str, dump: bytes) -> None:
    found = seen(1, 1_200)
    stopped = load(learned(found[:700]).dump())
    assert states(stopped.dump())[name] == states(learned(found[:700]).dump())[name]
    assert states(learned(found[700:], stopped).dump())[name] == states(dump)[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_component_never_gets_a_number_that_is_not_finite(name: str, dump: bytes) -> None:
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


def test_stored_features_have_names_and_any_order(dump: bytes) -> None:
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
        reviewed = components["segments"]["content"]["reviewed"]
        for row in (reviewed["means"], reviewed["scales"], *reviewed["centroids"]):
            row.reverse()
        for part in ("orders_weights", "spend_weights"):
            components["value"]["content"][part].reverse()

    expected, found = states(dump), states(load(altered(dump, reordered)).dump())
    for name in ("segments", "value"):
        assert found[name]["content"] == expected[name]["content"]
    assert found["drift"]["content"]["scaler"] == expected["drift"]["content"]["scaler"]


@pytest.mark.parametrize("gone", ["spend_28d", "order_value", "clicks_90d"])
def test_a_feature_that_emerges_begins_neutral_and_the_others_keep_what_they_learned(gone: str, dump: bytes) -> None:
    """The checkpoint of a program that knew ``shoe_size`` instead of ``gone``."""
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
    assert set(published.others) >= {"order_total", "purchases"}
    assert decode_snapshot(encode_snapshot(published)).others == published.others
    kept = load(dump).of(OrderTotal).total
    labels = [example for example in seen(1, 1_200) if isinstance(example, Label)]
    assert (kept.labels, kept.orders) == (len(labels), sum(example.purchases for example in labels))
    assert set(load(dump).describe()) == set(NAMES)
