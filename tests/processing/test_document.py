import json
import math

import numpy as np
import pytest

from stream.alerts.reasons import Score, explain
from stream.errors import CodecError
from stream.events.columns import EVENT
from stream.features.registry import DAY_MS, FEATURES
from stream.processing import document
from stream.processing.json_text import quoted
from stream.processing.kernel import Kernel, Run, StoredProfiles
from stream.processing.rules import NO_MODEL, Rules
from stream.processing.scorer import Scorer
from tests.oracle.event import KERNEL_KINDS

NOON = 19_000 * DAY_MS + DAY_MS // 2
IDS = ["plain", 'quo"te\\ and \n line', "żółć 😀", "x" * 128]


def run_of_customers() -> tuple[Run, Scorer]:
    rng = np.random.default_rng(3)
    events = np.zeros(200, EVENT)
    events["time"] = np.sort(NOON + rng.integers(0, 60 * DAY_MS, 200))
    events["kind"] = rng.integers(0, len(KERNEL_KINDS), 200)
    events["event_id"] = np.arange(1, 201)
    events["order_id"] = rng.integers(1, 40, 200)
    events["amount"] = rng.integers(0, 10**8, 200)
    weights = rng.normal(size=len(FEATURES))
    model = NO_MODEL._replace(ready=True, version=7, weights=weights, bias=-2.0)
    rows = rng.integers(0, len(IDS), 200)
    known = StoredProfiles(IDS, [None] * len(IDS), [0, 1, 2, 3])
    return Kernel(Rules()).advance(known, rows, events, events["time"].copy(), model)(), Scorer(model, None)


def test_a_document_is_json_that_shows_the_features_and_the_state() -> None:
    run, scorer = run_of_customers()
    documents = document.build(quoted(IDS), run, scorer, Rules())
    for row, (customer, encoded) in enumerate(zip(IDS, documents, strict=True)):
        read = json.loads(encoded)
        assert read["customer_id"] == customer
        assert read["risk"] == pytest.approx(run.standing["risk"][row], abs=1e-6)
        assert read["model_version"] == 7
        assert "segment" not in read
        assert None not in read.values()
        assert None not in read["features"].values()
        for feature, value in zip(FEATURES, run.values[row].tolist(), strict=True):
            shown = read["features"].get(feature.name, feature.absent)
            if math.isnan(value):
                assert shown is None
            else:
                assert shown == pytest.approx(value, abs=5.1e-5)
                assert (feature.name not in read["features"]) == (value == feature.absent)
        assert document.packed_state(encoded) == run.packed()[row]


def test_the_reasons_are_the_largest_contributions() -> None:
    run, scorer = run_of_customers()
    read = json.loads(document.build(quoted(IDS), run, scorer, Rules())[0])
    model = scorer.model
    score = Score(model.weights.tolist(), model.typical.tolist(), [1.0] * len(FEATURES), model.bias)
    explained = explain(run.inputs[0] / 1024, score, {}, top=len(FEATURES)).reasons
    largest = sorted(explained, key=lambda reason: -abs(reason.contribution))[: document.MAIN_REASONS]
    assert list(read["reasons"]) == [reason.feature for reason in largest]
    assert list(read["reasons"].values()) == pytest.approx([r.contribution for r in largest], abs=1e-3)


@pytest.mark.parametrize("broken", [b"", b"[]", b'{"state": 1}', b'{"state": "@@@"}', b'{"customer_id": "a"}'])
def test_a_document_without_a_packed_profile_is_refused(broken: bytes) -> None:
    with pytest.raises(CodecError):
        document.packed_state(broken)
