import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.online_models.example import (
    INPUT_LIMIT,
    Example,
    ExampleProblem,
    InvalidExample,
    Label,
    Observation,
    decode_example,
    encode_example,
    problem_of,
)
from stream.online_models.inputs import MISSING
from tests.online_models.made_up import INPUTS, START_MS, label, observation

inputs = st.lists(st.integers(-INPUT_LIMIT, INPUT_LIMIT), min_size=INPUTS, max_size=INPUTS)
ids = st.text(min_size=1, max_size=50)
times = st.integers(0, 10**13)
observations = st.builds(Observation, example_id=ids, customer_id=ids, at_ms=times, x=inputs)
labels = st.builds(
    lambda at_ms, horizon, **fields: Label(at_ms=at_ms, matured_at_ms=at_ms + horizon, **fields),
    at_ms=times,
    horizon=st.integers(1, 10**10),
    example_id=ids,
    customer_id=ids,
    x=inputs,
    risk=st.none() | st.floats(0, 1),
    model_version=st.integers(0, 10**12),
    churned=st.booleans(),
    purchases=st.integers(0, 1000),
    spend=st.floats(-1e9, 1e9),
)


@given(observations | labels)
def test_an_example_survives_the_topic_unchanged(example: Example) -> None:
    assert decode_example(encode_example(example)) == example


def test_the_kind_is_written_on_the_record() -> None:
    assert json.loads(encode_example(observation([0] * INPUTS)))["kind"] == "observation"
    assert json.loads(encode_example(label([0] * INPUTS, churned=True)))["kind"] == "label"


@given(st.binary(max_size=200))
def test_any_bytes_give_an_example_or_a_problem(value: bytes) -> None:
    assert isinstance(decode_example(value), (Observation, Label, InvalidExample))


def altered(**changes: Any) -> bytes:
    fields = json.loads(encode_example(label([0] * INPUTS, churned=True, risk=0.5)))
    return json.dumps(fields | changes).encode()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"{", ExampleProblem.MALFORMED),
        (b'{"kind": "prophecy"}', ExampleProblem.MALFORMED),
        (b"\xff\xfe", ExampleProblem.MALFORMED),
        (altered(churned="yes"), ExampleProblem.MALFORMED),
        (altered(risk=1.5), ExampleProblem.MALFORMED),
        (altered(risk=float("nan")), ExampleProblem.MALFORMED),
        (altered(spend=float("inf")), ExampleProblem.MALFORMED),
        (altered(x=[0.5] * INPUTS), ExampleProblem.MALFORMED),
        (altered(purchases=-1), ExampleProblem.MALFORMED),
        (altered(customer_id=""), ExampleProblem.MALFORMED),
        (altered(x=[0] * (INPUTS - 1)), ExampleProblem.WRONG_LENGTH),
        (altered(x=[]), ExampleProblem.WRONG_LENGTH),
        (altered(x=[INPUT_LIMIT + 1] + [0] * (INPUTS - 1)), ExampleProblem.OUT_OF_RANGE),
        (altered(x=[10**30] + [0] * (INPUTS - 1)), ExampleProblem.OUT_OF_RANGE),
        (altered(x=[MISSING - 1] + [0] * (INPUTS - 1)), ExampleProblem.OUT_OF_RANGE),
        (altered(logit=INPUT_LIMIT + 1), ExampleProblem.MALFORMED),
        (altered(logit=-1e300), ExampleProblem.MALFORMED),
        (altered(matured_at_ms=START_MS), ExampleProblem.NOT_AFTER_LANDMARK),
    ],
)
def test_a_bad_record_is_rejected_with_its_problem(value: bytes, problem: ExampleProblem) -> None:
    rejected = decode_example(value)
    assert isinstance(rejected, InvalidExample)
    assert rejected.problem is problem
    assert rejected.detail


def test_an_overflowing_number_is_rejected() -> None:
    rejected = decode_example(altered(spend=12345.5).replace(b"12345.5", b"1e999"))
    assert isinstance(rejected, InvalidExample)


@pytest.mark.parametrize("risk", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_bad_risk_is_found_in_an_example_made_in_process(risk: float) -> None:
    bad = msgspec.structs.replace(label([0] * INPUTS, churned=True), risk=risk)
    assert problem_of(bad) is not None
