"""Amounts, times and statuses as they stand in single cells."""

from datetime import UTC, datetime

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from stream.events.parsing_times import DateOrder
from stream.imports.currencies import CURRENCIES, currency_of, without_currency
from stream.imports.days import read_time, zone_of
from stream.imports.exports import EXPORTS
from stream.imports.issues import SEVERITY, IssueSeverity, Why
from stream.imports.names import compared
from stream.imports.statuses import OrderStatus, outcome_of

days = st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001 - days have no zone


@pytest.mark.parametrize(
    ("cell", "number", "currency"),
    [
        ("12.50", "12.50", ""),
        ("€12,50", "12,50", "EUR"),
        ("12,50 €", "12,50", "EUR"),
        ("EUR 12,50", "12,50", "EUR"),
        ("£3", "3", "GBP"),
        ("AU $3.00", "3.00", "AUD"),
        ("-$3.00", "-3.00", ""),
        ("$-3.00", "-3.00", ""),
        ("\u2212 3,00 zł", "-3,00", "PLN"),
        ("($3.00)", "(3.00)", ""),
        ("1\u00a0234,50\u00a0€", "1\u00a0234,50", "EUR"),
        ("kr 1 234,50", "1 234,50", ""),
        ("CHF 1'234.50", "1'234.50", "CHF"),
        ("usd", "", "USD"),
        ("free", "free", ""),
        ("", "", ""),
    ],
)
def test_an_amount_is_taken_apart(cell: str, number: str, currency: str) -> None:
    assert (without_currency(cell), currency_of(cell)) == (number, currency)


@given(st.sampled_from(sorted(CURRENCIES)), st.decimals(0, 10**6, places=2), st.booleans())
def test_a_code_on_either_side_is_found(code: str, amount: object, before: bool) -> None:
    cell = f"{code} {amount}" if before else f"{amount} {code}"
    assert (without_currency(cell), currency_of(cell)) == (str(amount), code)


@given(days, st.sampled_from(["de", "fr", "es", "it", "nl", "pl", "sv"]))
def test_a_day_is_read_in_many_languages(at: datetime, language: str) -> None:
    month = Locale.parse(language).months["format"]["wide"][at.month]
    expected = round(datetime(at.year, at.month, at.day, tzinfo=UTC).timestamp()) * 1000
    assert read_time(f"{at.day} {month} {at.year}", UTC, None) == expected
    assert read_time(f"{at.day}. {month} {at.year}", UTC, None) == expected


@given(days)
def test_a_day_is_read_in_either_order_and_by_its_number(at: datetime) -> None:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    expected = round(day.timestamp()) * 1000
    assert read_time(f"{at:%d/%m/%Y}", UTC, DateOrder.DAY_FIRST) == expected
    assert read_time(f"{at:%m/%d/%Y}", UTC, DateOrder.MONTH_FIRST) == expected
    number = (day - datetime(1899, 12, 30, tzinfo=UTC)).days
    assert read_time(str(number), UTC, None, is_workbook=True) == expected


@pytest.mark.parametrize("name", ["Europe/Berlin", "Eastern Time (US & Canada)", "UTC", "London"])
def test_zones_are_known_by_several_names(name: str) -> None:
    assert zone_of(name) is not None


@pytest.mark.parametrize("name", ["", "Mars", "../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_none(name: str) -> None:
    assert zone_of(name) is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("paid", OrderStatus.PLACED),
        ("Completed", OrderStatus.PLACED),
        ("processing", OrderStatus.PLACED),
        ("authorized", OrderStatus.PLACED),
        ("Pending payment", OrderStatus.PLACED),
        ("partially_refunded", OrderStatus.PARTLY_REFUNDED),
        ("Partial refund", OrderStatus.PARTLY_REFUNDED),
        ("Refunded", OrderStatus.REFUNDED),
        ("Erstattet", OrderStatus.REFUNDED),
        ("remboursé", OrderStatus.REFUNDED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("Canceled", OrderStatus.CANCELLED),
        ("wc-cancelled", OrderStatus.CANCELLED),
        ("voided", OrderStatus.CANCELLED),
        ("annulée", OrderStatus.CANCELLED),
        ("Geannuleerd", OrderStatus.CANCELLED),
        ("Failed", OrderStatus.UNPAID),
        ("expired", OrderStatus.UNPAID),
        ("checkout-draft", OrderStatus.UNPAID),
        ("unpaid", OrderStatus.UNPAID),
        ("requires_payment_method", OrderStatus.UNPAID),
    ],
)
def test_statuses_of_systems_and_languages(status: str, outcome: OrderStatus) -> None:
    assert outcome_of(status) is outcome


def test_tables_of_systems_are_written_as_names_are_compared() -> None:
    names = [name for export in EXPORTS for names in export.columns.values() for name in names.split("|")]
    names += [name for export in EXPORTS for name in export.requires]
    assert [name for name in names if compared(name) != name] == []


def test_every_reason_that_is_no_note_has_a_severity() -> None:
    assert {IssueSeverity.REFUSED, IssueSeverity.LEFT_OUT} == {*SEVERITY.values()}
    assert all(str(why).endswith(".") for why in Why)
