"""Amounts and times in the form that the settings choose."""

import pytest

from stream.errors import SettingsError
from stream.reporting.writing import Writing
from stream.settings import Settings


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        (Settings(shop_currency="GBP", currency_rates="EUR=1,GBP=1.2"), "£12.50"),
        (Settings(currency_rates="EUR=1,GBP=1.2"), "€12.50"),
        (Settings(), "US$12.50"),
        (Settings(shop_currency="EUR", shop_locale="de_DE"), "12,50\N{NO-BREAK SPACE}€"),
    ],
)
def test_the_currency_is_that_of_the_settings_before_the_usual_one(settings: Settings, written: str) -> None:
    assert Writing.of(settings, lambda: "USD").money(12.5) == written


def test_without_a_currency_an_amount_is_a_number() -> None:
    assert Writing.of(Settings()).money(1234.5) == "1,234.50"


def test_an_unknown_time_zone_is_reported() -> None:
    with pytest.raises(SettingsError, match="shop_timezone=Europe/Nowhere"):
        Writing.of(Settings(shop_timezone="Europe/Nowhere"))
