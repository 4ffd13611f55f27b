from pathlib import Path

from stream.cli.feature_reference import reference
from stream.features.registry import COLUMN, FEATURE_NAMES, FEATURES

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
