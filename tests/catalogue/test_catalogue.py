"""The catalogue: its order is free, and contradictory declarations are refused."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.catalogue.declaring import Channel, Feature
from stream.catalogue.events import (
    CHANNELS,
    CONTACT_CHANNELS,
    EVENT_NAMES,
    EVENT_TYPES,
    PURPOSES,
    SCALES,
    EventKind,
    by_kind,
    in_order,
)
from stream.catalogue.features import FEATURES, in_columns
from stream.catalogue.windows import HOUR_1
from stream.events import model
from stream.features import vector
from stream.features.profile import PROFILE, reset
from stream.features.registry import COLUMN


@given(st.permutations(FEATURES))
def test_the_order_of_features_is_free(declared: list[Feature]) -> None:
    assert in_columns(declared) == FEATURES


@given(st.permutations(CHANNELS))
def test_the_order_of_channels_is_free(declared: list[Channel]) -> None:
    assert in_order(declared) == CHANNELS


@given(st.permutations(list(EVENT_NAMES)))
def test_the_order_of_event_names_is_free(kinds: list[EventKind]) -> None:
    found = by_kind(EVENT_NAMES[kind] for kind in kinds)
    assert list(found.items()) == list(EVENT_NAMES.items())


def test_stored_numbers_are_those_of_profiles_that_were_written_before() -> None:
    """A number with a new meaning would change stored profiles, so each addition gets a new number."""
    assert {channel.number: channel.name for channel in CHANNELS}.items() >= {
        0: "click",
        1: "email",
        2: "purchase",
        3: "cart",
    }.items()
    of_layout_5 = (
        *("clicks_1h", "clicks_1d", "clicks_7d", "clicks_28d", "clicks_90d"),
        *("emails_1h", "emails_1d", "emails_7d", "emails_28d", "emails_90d"),
        *("purchases_1h", "purchases_1d", "purchases_7d", "purchases_28d", "purchases_90d"),
        *("spend_7d", "spend_28d", "spend_90d"),
        *("days_since_click", "days_since_email", "days_since_purchase", "tenure"),
        *("purchases_total", "purchase_gap", "silence_ratio", "order_value", "email_open_rate", "email_click_rate"),
        *("open_cart_additions", "refund_ratio", "active_days_28d", "purchase_days", "purchase_interval"),
    )
    assert {feature.number: feature.name for feature in FEATURES}.items() >= dict(enumerate(of_layout_5)).items()


def test_every_feature_is_summed_over_a_window_or_has_an_expression() -> None:
    row = np.zeros(1, PROFILE)
    reset(row[0], 0)
    out = np.full(len(FEATURES), -1.0)
    vector.values(row[0], 0, out)
    assert [feature.name for feature in FEATURES if out[COLUMN[feature.name]] == -1.0] == []


def _with(feature_name: str, /, **changes: object) -> list[Feature]:
    return [replace(feature, **changes) if feature.name == feature_name else feature for feature in FEATURES]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("features", "problem"),
    [
        (_with("clicks_1h", number=64), "must be from 0 to 63"),
        ([*FEATURES, FEATURES[0]], "the same number"),
        (_with("clicks_1h", name="clicks_1d"), "the same name"),
        (_with("clicks_7d", source="telephone"), "no channel telephone"),
        (_with("clicks_7d", window=None), "needs one of the windows"),
        (_with("clicks_28d", source="cart", window=HOUR_1), "by the day only"),
    ],
)
def test_contradictory_features_are_refused(features: list[Feature], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        in_columns(features)


@pytest.mark.parametrize(
    ("channels", "problem"),
    [
        ((*CHANNELS, Channel("visit", -1)), "must be from 0 to 63"),
        ((*CHANNELS, Channel("visit", 3)), "the same number"),
        ((*CHANNELS, Channel("visit", 48, is_fine=True)), "lowest numbers"),
    ],
)
def test_contradictory_channels_are_refused(channels: tuple[Channel, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        in_order(channels)


def test_a_kind_is_declared_once() -> None:
    names = list(EVENT_NAMES.values())
    with pytest.raises(ValueError, match="two event names have the kind product_viewed"):
        by_kind([*names, names[0]])
    with pytest.raises(ValueError, match="without a name: PRODUCT_VIEWED"):
        by_kind(names[1:])


def test_type_checkers_know_the_names_that_are_declared() -> None:
    shown = {
        node.targets[0].id: ast.literal_eval(node.value.slice)
        for branch in ast.parse(Path(model.__file__).read_text("utf-8")).body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Subscript)
    }
    declared = {
        f"{event_type.title()}Name": tuple(
            one.name for one in EVENT_NAMES.values() if one.type == event_type and not one.variant
        )
        for event_type, declaration in EVENT_TYPES.items()
        if not declaration.fields  # the class of a type with declared fields is made from its declaration
    }
    lists = {"ScaleName": tuple(SCALES), "PurposeName": tuple(PURPOSES), "ContactChannel": CONTACT_CHANNELS}
    assert shown == {**declared, **lists}
