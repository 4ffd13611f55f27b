"""Amounts of any currency as whole 1/MONEY_SCALE of the base currency."""

import math
import re
from collections.abc import Mapping

from stream.errors import SettingsError
from stream.events.columns import MONEY_SCALE
from stream.events.model import MAX_AMOUNT
from stream.events.rejections import Defect
from stream.events.screen import BadRecordError

__all__ = ["Exchange"]

_CODE = re.compile(r"[A-Z]{3}")


class Exchange:
    """Converts amounts to the base currency.

    Without rates there is one currency, under any name that producers give it: every code that looks like ISO 4217
    counts at par. With rates, a code that is not among them is rejected.

    Parameters
    ----------
    rates
        Units of the base currency that one unit of each currency is worth; the base itself is 1.

    Raises
    ------
    SettingsError
        A code is not three capital letters, or a rate is not a positive finite number.

    >>> Exchange({"EUR": 1.0, "USD": 0.92}).base_amount(10.0, "USD")
    92000
    """

    def __init__(self, rates: Mapping[str, float] | None = None) -> None:
        for code, rate in (rates or {}).items():
            if not _CODE.fullmatch(code):
                raise SettingsError(f"exchange rates: expected an ISO 4217 code such as EUR, got {code!r}")
            if not (math.isfinite(rate) and rate > 0):
                raise SettingsError(f"exchange rates: expected a positive number for {code}, got {rate!r}")
        self._single = not rates
        self._rates = dict(rates or {})

    def base_amount(self, amount: float, currency: str) -> int:
        """Return `amount`, in major units of `currency`, in 1/MONEY_SCALE of the base currency."""
        rate = self._rates.get(currency)
        if rate is None:
            rate = self._rate_of_new(currency)
        scaled = amount * rate * MONEY_SCALE
        if scaled > MAX_AMOUNT * MONEY_SCALE:
            raise BadRecordError(Defect.BAD_AMOUNT, f"{amount} {currency} is over {MAX_AMOUNT:,.0f} in base currency")
        return round(scaled)

    def refuse_malformed(self, currency: str) -> None:
        """Refuse what is no code at all; for amounts that are stated but not counted."""
        if not _CODE.fullmatch(currency):
            raise BadRecordError(Defect.UNKNOWN_CURRENCY, f"expected three capital letters; got {currency!r}")

    def _rate_of_new(self, currency: str) -> float:
        if not (self._single and _CODE.fullmatch(currency)):
            known = "three capital letters" if self._single else ", ".join(sorted(self._rates))
            raise BadRecordError(Defect.UNKNOWN_CURRENCY, f"expected {known}; got {currency!r}")
        self._rates[currency] = 1.0  # at most 26**3 of them
        return 1.0
