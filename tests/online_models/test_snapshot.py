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
from stream.online_models.learner import Learner, LearnerSettings
from stream.online_models.snapshot import ModelSnapshot, decode_snapshot, encode_snapshot
from tests.online_models.made_up import customer, examples, label, quantised

NOW_MS = 1_800_000_000_000


@pytest.fixture(scope="module")
def learner() -> Learner:
    learner = Learner()
    for example in examples(7, 2_000):
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
    weights, curvature = churn.per_input()
    model = learner._championship.model(learner.champion)
    generator = np.random.default_rng(1)
    for x in (customer(generator) for _ in range(200)):
        d = np.array(x) / INPUT_SCALE - np.array(churn.means)
        logit = churn.intercept + weights @ d + curvature @ (d[PAIRS[:, 0]] * d[PAIRS[:, 1]])
        raw = model.predict_proba_one(x, learner._levels.present)
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
        (lambda c: c["churn"]["features"].reverse(), "other features"),
        (lambda c: c["churn"]["features"].append("shoe_size"), "shoe_size"),
        (lambda c: c["churn"]["weights"].pop(), f"expected {len(FEATURE_NAMES)} numbers"),
        (lambda c: c["churn"]["curvature"].pop(), f"expected {len(PAIRS)} numbers"),
        (lambda c: c["churn"].update(slope=0.0), "slope"),
        (lambda c: c["churn"]["scales"].__setitem__(0, 0.0), "positive"),
        (lambda c: c["churn"]["means"].__setitem__(0, None), "not what the schema says"),
        (lambda c: c["churn"].pop("intercept"), "intercept"),
        (lambda c: c["segments"]["columns"].__setitem__(0, 10_000), "columns"),
        (lambda c: c["segments"]["features"].__setitem__(0, "shoe_size"), "shoe_size"),
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
