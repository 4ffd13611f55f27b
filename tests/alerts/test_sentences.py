"""Every value of every feature has a sentence, and no sentence claims more than the values show."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.sentences import sentence
from stream.catalogue.declaring import Values
from stream.features.registry import FEATURE_NAMES

feature_values = st.fixed_dictionaries(
    {name: st.none() | st.sampled_from([0.0, 1.0]) | st.floats(-1e6, 1e6) for name in FEATURE_NAMES}
)


@pytest.mark.parametrize("feature", FEATURE_NAMES)
def test_each_feature_has_a_sentence_for_a_high_value_and_one_for_a_low(feature: str) -> None:
    values = dict.fromkeys(FEATURE_NAMES, 3.0)
    high, low = (sentence(feature, values, is_high=is_high) for is_high in (True, False))
    assert high != low or feature == "open_cart_additions"


@given(st.sampled_from(FEATURE_NAMES), feature_values, st.booleans())
def test_any_values_make_one_proper_sentence(
    feature: str,
    values: Values,
    is_high: bool,
) -> None:
    text = sentence(feature, values, is_high=is_high)
    assert re.fullmatch(r"[A-Z0-9-][^\n{}]*[^.]\.", text)
    assert "nan" not in text
    assert not re.search(r"\b1 (days|orders|events|products|reactions)\b", text)


@pytest.mark.parametrize(
    ("feature", "values", "expected"),
    [
        ("purchases_28d", {"purchases_28d": 0}, "No order in 28 days."),
        ("purchases_28d", {"purchases_28d": 1}, "Only 1 order in the last 28 days."),
        ("purchases_28d", {"purchases_28d": 1, "purchases_90d": 9}, "Orders fell to 1 in the last 28 days."),
        # 6 orders in the 62 days before are 2.7 in 28 days, 3 are 1.4.
        ("purchases_28d", {"purchases_28d": 2, "purchases_90d": 8}, "Orders fell to 2 in the last 28 days."),
        ("purchases_28d", {"purchases_28d": 2, "purchases_90d": 5}, "Only 2 orders in the last 28 days."),
        ("purchases_90d", {"purchases_90d": 2}, "Only 2 orders in the last 90 days."),
        ("purchases_1h", {"purchases_1h": 0}, "No order in the last hour."),
        ("emails_28d", {"emails_28d": 0}, "No e-mail opened in 28 days."),
        (
            "emails_7d",
            {"emails_7d": 1, "emails_28d": 20},
            "Reactions to e-mails fell to 1 in the last 7 days.",
        ),
        ("clicks_1d", {"clicks_1d": 2}, "Only 2 site or app events in the last day."),
        ("spend_28d", {"spend_28d": 0.0}, "Nothing spent in 28 days."),
        (
            "spend_28d",
            {"spend_28d": 12.5, "spend_90d": 1012.5},
            "Spending fell to 12.50 in the last 28 days.",
        ),
        ("spend_28d", {"spend_28d": -1200}, "Refunds exceeded orders by 1,200.00 in the last 28 days."),
        ("tenure", {"tenure": 1.2}, "A customer for only 1 day."),
        ("purchases_total", {"purchases_total": 1}, "Only 1 order so far."),
        ("email_open_rate", {"email_open_rate": 0.031}, "Expected to open only 3 % of e-mails."),
        ("active_days_28d", {"active_days_28d": 0}, "Not active in 28 days."),
        ("active_days_28d", {"active_days_28d": 3}, "Active on only 3 of the last 28 days."),
    ],
)
def test_sentences_for_low_values_are_plain(feature: str, values: Values, expected: str) -> None:
    assert sentence(feature, values, is_high=False) == expected


@pytest.mark.parametrize(
    ("feature", "values", "expected"),
    [
        ("days_since_purchase", {"days_since_purchase": None}, "No order yet."),
        ("days_since_purchase", {"days_since_purchase": 34.4, "purchases_total": 1}, "No order for 34 days."),
        (
            "days_since_purchase",
            {"days_since_purchase": 34.4, "purchase_gap": 9, "purchases_total": 2},
            "No order for 34 days.",
        ),
        (
            "days_since_purchase",
            {"days_since_purchase": 6, "purchase_gap": 1.2, "purchases_total": 30},
            "No order for 6 days; usually every day.",
        ),
        (
            "days_since_purchase",
            {"days_since_purchase": 86, "habit_days": 14.2, "purchase_gap": 20, "purchases_total": 30},
            "No order for 86 days; usually every 14.",
        ),
        (
            "days_since_purchase",
            {"days_since_purchase": 6, "purchase_gap": 0.2, "purchases_total": 30},
            "No order for 6 days.",
        ),
        ("days_since_email", {"days_since_email": 28}, "No e-mail opened for 28 days."),
        ("days_since_click", {"days_since_click": 0.4}, "No site or app event for less than a day."),
        (
            "silence_ratio",
            {"silence_ratio": 3.78},
            "Time since the last order: 3.8 times the usual gap between orders.",
        ),
        ("refund_ratio", {"refund_ratio": 0.5}, "Many refunds: 0.50 per order."),
        ("refund_ratio", {"refund_ratio": 0.0}, "No refund so far."),
    ],
)
def test_sentences_for_high_values_are_plain(feature: str, values: Values, expected: str) -> None:
    assert sentence(feature, values, is_high=True) == expected


def test_the_29_days_of_a_sawtooth_window_are_not_shown() -> None:
    text = sentence("active_days_28d", {"active_days_28d": 29}, is_high=True)
    assert text == "Active on 28 of the last 28 days."


def test_a_cart_without_any_order_does_not_speak_of_a_last_one() -> None:
    first = sentence("open_cart_additions", {"open_cart_additions": 1}, is_high=True)
    assert first == "1 product added to the cart without an order in the last 28 days."
    values = {"open_cart_additions": 2, "days_since_purchase": 8.0}
    later = sentence("open_cart_additions", values, is_high=True)
    assert later == "2 products added to the cart after the day of the last order in the last 28 days."
