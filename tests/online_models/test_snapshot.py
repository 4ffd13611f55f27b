import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from stream.errors import SnapshotError
from stream.features.registry import FEATURE_NAMES, INPUT_SCALE
from stream.online_models.basis import PAIRS
from stream.online_models.components.churn import Churn
from stream.online_models.components.levels import OrderLevels
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import ModelSnapshot, decode_snapshot, encode_snapshot
from tests.online_models.made_up import customer, examples, label, quantised

NOW_MS = 1_800_000_000_000


@pytest.fixture(scope="module")
def learner() -> Learner:
    learner = Learner()
    for example in examples(7, 4_500):
        learner.learn(example)
    return learner


@pytest.fixture(scope="module")
def snapshot(learner: Learner) -> ModelSnapshot:
    return learner.snapshot(NOW_MS)


def resealed(snapshot: ModelSnapshot, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The snapshot with changed content and a checksum that fits it."""
    envelope = json.loads(encode_snapshot(snapshot))
    change(envelope["content"])
    body = json.dumps(envelope["content"], separators=(",", ":"))
    checksum = hashlib.sha256(body.encode()).hexdigest()
    return f'{{"schema":"{envelope["schema"]}","checksum":"{checksum}","content":{body}}}'.encode()


def test_a_snapshot_survives_its_encoding_bit_for_bit(snapshot: ModelSnapshot) -> None:
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot


def test_a_snapshot_before_the_first_example_says_that_it_is_not_ready() -> None:
    empty = decode_snapshot(encode_snapshot(Learner().snapshot(NOW_MS)))
    assert not empty.churn.ready
    assert empty.churn.version == 0
    assert empty.segments is None


def test_what_scorers_load_gives_the_calibrated_risk_of_the_model(learner: Learner, snapshot: ModelSnapshot) -> None:
    churn = decode_snapshot(encode_snapshot(snapshot)).churn
    weights, curvature = churn.quadratic().per_input()
    model = learner.of(Churn).championship.model(learner.champion)
    generator = np.random.default_rng(1)
    for x in (customer(generator) for _ in range(200)):
        d = np.array(x) / INPUT_SCALE - np.array(churn.means)
        logit = churn.intercept + weights @ d + curvature @ (d[PAIRS[:, 0]] * d[PAIRS[:, 1]])
        raw = model.predict_proba_one(x, learner.of(OrderLevels).levels.present)
        assert logit == pytest.approx(churn.slope * np.log(raw / (1.0 - raw)) + churn.shift, abs=1e-6)


@pytest.mark.parametrize("position", range(0, 4_000, 97))
def test_a_changed_byte_is_noticed(snapshot: ModelSnapshot, position: int) -> None:
    value = bytearray(encode_snapshot(snapshot))
    position %= len(value)
    value[position] ^= 1
    with pytest.raises(SnapshotError):
        decode_snapshot(bytes(value))


@pytest.mark.parametrize("length", [0, 1, 100, 2_000])
def test_a_snapshot_cut_short_is_noticed(snapshot: ModelSnapshot, length: int) -> None:
    with pytest.raises(SnapshotError):
        decode_snapshot(encode_snapshot(snapshot)[:length])


def test_another_schema_is_refused_by_name(snapshot: ModelSnapshot) -> None:
    other = encode_snapshot(snapshot).replace(b"model-snapshot/2", b"model-snapshot/3")
    with pytest.raises(SnapshotError, match="model-snapshot/3"):
        decode_snapshot(other)


def test_a_resealed_copy_without_changes_is_accepted(snapshot: ModelSnapshot) -> None:
    assert decode_snapshot(resealed(snapshot, dict.copy)) == snapshot


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["churn"]["features"].append("shoe_size"), f"expected {len(FEATURE_NAMES) + 1} numbers"),
        (lambda c: c["churn"]["features"].__setitem__(0, c["churn"]["features"][1]), "distinct"),
        (lambda c: c["churn"]["weights"].pop(), f"expected {len(FEATURE_NAMES)} numbers"),
        (lambda c: c["churn"]["curvature"].pop(), f"expected {len(PAIRS)} numbers"),
        (lambda c: c["churn"].update(slope=0.0), "slope"),
        (lambda c: c["churn"]["scales"].__setitem__(0, 0.0), "positive"),
        (lambda c: c["churn"]["means"].__setitem__(0, None), "not what the schema says"),
        (lambda c: c["churn"].pop("intercept"), "intercept"),
        (lambda c: c["segments"]["features"].append("shoe_size"), "segment means"),
        (lambda c: c["segments"]["segments"][0]["centroid"].pop(), "centroid"),
        (lambda c: c["segments"]["segments"].clear(), "distinct"),
        (lambda c: c["segments"]["segments"].append(c["segments"]["segments"][0]), "distinct"),
    ],
)
def test_content_that_cannot_score_is_refused(
    snapshot: ModelSnapshot, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    with pytest.raises(SnapshotError, match=message):
        decode_snapshot(resealed(snapshot, change))


def test_a_number_that_is_not_finite_is_refused_on_both_sides(snapshot: ModelSnapshot) -> None:
    weights = (float("nan"), *snapshot.churn.weights[1:])
    broken = msgspec.structs.replace(snapshot, churn=msgspec.structs.replace(snapshot.churn, weights=weights))
    with pytest.raises(SnapshotError, match="finite"):
        encode_snapshot(broken)
    with pytest.raises(SnapshotError):
        decode_snapshot(resealed(snapshot, lambda c: c["churn"].update(intercept=float("inf"))))


@pytest.mark.parametrize(("labels", "churned", "ready"), [(99, 50, False), (100, 9, False), (100, 10, True)])
def test_a_model_is_ready_after_enough_labels_of_both_classes(labels: int, churned: int, *, ready: bool) -> None:
    learner = Learner(LearnerSettings(min_labels=100, min_class_labels=10))
    for i in range(labels):
        learner.learn(label(quantised(tenure=i / 50), churned=i < churned))
    assert learner.snapshot(NOW_MS).churn.ready is ready
    assert learner.ready is ready
    assert learner.snapshot(NOW_MS).churn.base_rate == pytest.approx(churned / labels)


def permuted(content: dict[str, Any]) -> None:
    """Every list by feature in another order."""
    for part, lists in (
        (content["churn"], ("features", "weights", "means", "scales")),
        (content["churn"], ("pairs", "curvature")),
        (content["segments"], ("features", "means", "scales")),
        *((segment, ("centroid",)) for segment in content["segments"]["segments"]),
        (content["value"], ("features", "means", "scales", "orders_weights", "spend_weights")),
    ):
        for name in lists:
            part[name].reverse()


def test_the_order_in_which_a_snapshot_names_features_means_nothing(snapshot: ModelSnapshot) -> None:
    found = decode_snapshot(resealed(snapshot, permuted))
    assert found.churn == snapshot.churn
    generator = np.random.default_rng(3)
    x = np.array([customer(generator) for _ in range(50)], np.int16)
    assert found.segments is not None
    assert snapshot.segments is not None
    np.testing.assert_array_equal(found.segments.nearest(x / INPUT_SCALE), snapshot.segments.nearest(x / INPUT_SCALE))
    assert found.value is not None
    assert snapshot.value is not None
    risk = np.full(len(x), 0.3)
    np.testing.assert_allclose(found.value.expect(x, risk).spend, snapshot.value.expect(x, risk).spend, rtol=1e-12)


def test_a_worker_scores_with_the_features_that_it_shares_with_the_model(snapshot: ModelSnapshot) -> None:
    def of_a_later_program(content: dict[str, Any]) -> None:
        churn, value, segments = content["churn"], content["value"], content["segments"]
        churn["features"][0] = churn["features"][0] + "_renamed"
        for name, number in (("features", "shoe_size"), ("weights", 5.0), ("means", 1.0), ("scales", 2.0)):
            churn[name].append(number)
        churn["pairs"].append("shoe_size*tenure")
        churn["curvature"].append(7.0)
        for name, number in (("means", 1.0), ("scales", 1.0), ("orders_weights", 1.0), ("spend_weights", 1.0)):
            value[name].append(number)
        value["features"].append("shoe_size")
        for name, number in (("features", "shoe_size"), ("means", 1.0), ("scales", 1.0)):
            segments[name].append(number)
        for segment in segments["segments"]:
            segment["centroid"].append(0.5)
        content["others"] = {"recommendations": {"anything": [1, 2]}}

    found = decode_snapshot(resealed(snapshot, of_a_later_program))
    assert found.churn.features == FEATURE_NAMES
    assert found.churn.weights == (0.0, *snapshot.churn.weights[1:])
    assert found.churn.curvature == snapshot.churn.curvature
    assert found.segments == snapshot.segments
    assert found.value == snapshot.value
