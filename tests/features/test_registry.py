import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.catalogue.declaring import Feature
from stream.cli.feature_reference import reference
from stream.features import vector
from stream.features.registry import COLUMN, FEATURE_NAMES, FEATURES, INPUT_SCALE

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_of_features_is_current() -> None:
    written_anew = "write it anew: python -m stream.cli.feature_reference docs/features.md"
    assert PAGE.read_text("utf-8") == reference(), written_anew


def test_names_are_distinct_and_columns_are_positions() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURES)
    assert [COLUMN[name] for name in FEATURE_NAMES] == list(range(len(FEATURES)))


def test_every_feature_is_fully_declared() -> None:
    for feature in FEATURES:
        assert feature.unit
        assert feature.exactness
        assert feature.description


@given(st.lists(st.none() | st.floats(-1e6, 1e9), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_the_input_of_a_value_is_what_the_kernel_quantises(values: list[float | None]) -> None:
    quantised = np.zeros(len(FEATURES), np.int16)
    vector.quantise(np.array([math.nan if value is None else value for value in values]), quantised)
    inputs = [feature.input_of(value) for feature, value in zip(FEATURES, values, strict=True)]
    assert quantised.tolist() == [max(-32_767, min(32_767, round(x * INPUT_SCALE))) for x in inputs]


@given(st.sampled_from(FEATURES), st.floats(0, 1e6))
def test_a_value_comes_back_from_its_input(feature: Feature, value: float) -> None:
    assert feature.value_of(feature.input_of(value)) == pytest.approx(value, rel=1e-9, abs=1e-9)
