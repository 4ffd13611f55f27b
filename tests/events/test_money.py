"""Amounts of any currency as whole 1/10,000 of the base currency."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SettingsError
from stream.events.columns import MONEY_SCALE
from stream.events.money import Exchange
from stream.events.rejections import Defect
from stream.events.screen import BadRecordError


@given(st.integers(0, 10**9 * 100))
def test_cents_are_exact_at_par(cents: int) -> None:
    assert Exchange().base_amount(cents / 100, "USD") == cents * (MONEY_SCALE // 100)


def test_without_rates_every_code_counts_at_par() -> None:
    exchange = Exchange()
    assert exchange.base_amount(1.0, "EUR") == exchange.base_amount(1.0, "JPY") == MONEY_SCALE


def test_with_rates_amounts_are_converted_and_other_codes_refused() -> None:
    exchange = Exchange({"EUR": 1.0, "JPY": 0.0061})
    assert exchange.base_amount(1000.0, "JPY") == 61_000
    with pytest.raises(BadRecordError, match="expected EUR, JPY; got 'USD'") as refused:
        exchange.base_amount(1.0, "USD")
    assert refused.value.reason is Defect.UNKNOWN_CURRENCY


def test_an_amount_that_is_absurd_in_the_base_currency_is_refused() -> None:
    for rate in (3.0, 1e308):
        with pytest.raises(BadRecordError) as refused:
            Exchange({"KWD": rate}).base_amount(9e8, "KWD")
        assert refused.value.reason is Defect.BAD_AMOUNT


@pytest.mark.parametrize("rates", [{"eur": 1.0}, {"EURO": 1.0}, {"": 1.0}, {"EUR\n": 1.0}])
def test_a_malformed_code_is_a_settings_error(rates: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="ISO 4217"):
        Exchange(rates)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_no_price_is_a_settings_error(rate: float) -> None:
    with pytest.raises(SettingsError, match="positive number for EUR"):
        Exchange({"EUR": rate})
