"""Amounts with what stands beside them: currency signs and codes."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.numbers import get_currency_precision

__all__ = ["CURRENCIES", "currency_in_name", "currency_of", "has_cents", "is_yuan_or_yen", "without_currency"]


#: Signs that several currencies use.
_AMBIGUOUS: Final = ("$", "kr.", "kr", "Kr.", "Kr", "Fr.", "Rs.", "Rs")
#: What stands for no cents: ``12.-``, also with a long dash.
_NO_CENTS: Final = re.compile(r"(?<=[0-9])[.,](?:[-\u2013\u2014]{1,2})(?![0-9])")


def _symbols() -> Mapping[str, str]:
    """Sign -> ISO code: what means one currency in several locales, and what marketplaces write ("US $", "C $")."""
    found: dict[str, set[str]] = {}
    for name in ("en", "en_US", "en_CA", "en_AU", "de", "fr", "ja", "pl", "sv", "cs", "tr", "hu", "ro", "he", "ko"):
        for code, symbol in Locale.parse(name).currency_symbols.items():
            if symbol != code and not symbol.isspace():
                found.setdefault(symbol, set()).add(code)
    single = {
        symbol: next(iter(codes)) for symbol, codes in found.items() if len(codes) == 1 and symbol not in _AMBIGUOUS
    }
    written = {"US $": "USD", "AU $": "AUD", "C $": "CAD", "NZ $": "NZD", "HK $": "HKD", "S $": "SGD", "€": "EUR"}
    return {
        **single,
        **written,
        "£": "GBP",
        "¥": "JPY",
        "₹": "INR",
        "zł": "PLN",
        "R$": "BRL",
        "₽": "RUB",
        "₺": "TRY",
        "\uffe5": "JPY",
        "円": "JPY",
        "元": "CNY",
        "人民币": "CNY",
        "RMB": "CNY",
        "원": "KRW",
    }


#: Every code of ISO 4217 that is or was in use.
CURRENCIES: Final = frozenset(
    str(code) for code in Locale.parse("en").currencies if re.fullmatch("[A-Z]{3}", str(code))
)

#: What each sign means that is used by one currency. "$" and "kr" are used by many and left out.
_SYMBOLS: Final = MappingProxyType(_symbols())
_CODE: Final = re.compile(r"(?<![A-Za-z])([A-Za-z]{3})(?![A-Za-z])")
_SIGNS: Final = re.compile(
    "|".join(
        re.escape(sign) for sign in sorted((*_SYMBOLS, *_AMBIGUOUS), key=len, reverse=True) if sign not in CURRENCIES
    )
)
#: Codes that are words of headers in capitals as well.
_WORDS: Final = frozenset({"ALL", "TOP", "TRY", "CUP", "NET", "SUM", "VAT", "TAX"})
_MINUS: Final = "-\u2212"


def currency_of(cell: str) -> str:
    """The ISO code that a cell of a currency column or an amount names; empty where it names none.

    >>> currency_of("eur"), currency_of("12,50 €"), currency_of("US $3.00"), currency_of("$3.00"), currency_of("3.00")
    ('EUR', 'EUR', 'USD', '', '')
    """
    return _taken_apart(cell)[1]


def currency_in_name(name: str) -> str:
    """The ISO code that the name of a column of amounts names; empty where it names none.

    >>> [currency_in_name(name) for name in ("Total CHF", "Betrag (€)", "EUR Betrag", "TOTAL ALL", "Total", "金额 元")]
    ['CHF', 'EUR', 'EUR', '', '', 'CNY']
    """
    codes: list[str] = re.findall(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", name)
    codes = [code for code in codes if code in CURRENCIES - _WORDS]
    if codes:
        return codes[0]
    signs = {_SYMBOLS[sign] for sign in _SIGNS.findall(name) if sign in _SYMBOLS and not sign.isascii()}
    return signs.pop() if len(signs) == 1 else ""


def has_cents(code: str) -> bool:
    """Whether amounts of the currency have decimals, by ISO 4217.

    >>> has_cents("EUR"), has_cents("JPY")
    (True, False)
    """
    return get_currency_precision(code) > 0


def is_yuan_or_yen(cell: str) -> bool:
    """Whether an amount has the sign that China and Japan share; `currency_of` takes it for yen."""
    return "\u00a5" in cell or "\uffe5" in cell


def without_currency(cell: str) -> str:
    """An amount without signs and codes of currencies, and with its minus in front of the digits.

    >>> [without_currency(cell) for cell in ("-$3.00", "$-3.00", "($3.00)", "1.234,50 EUR", "CHF 1'234.50", "kr 12,-")]
    ['-3.00', '-3.00', '(3.00)', '1.234,50', "1'234.50", '12']
    """
    return _taken_apart(cell)[0]


@lru_cache(maxsize=65_536)
def _taken_apart(cell: str) -> tuple[str, str]:
    text = _NO_CENTS.sub("", cell.strip())
    if not text or not any(map(_is_sign, text)):
        return text, ""
    currency = ""
    if (code := _CODE.search(text)) and code[1].upper() in CURRENCIES:
        currency = code[1].upper()
        text = text[: code.start()] + text[code.end() :]
    if sign := _SIGNS.search(text):
        currency = currency or _SYMBOLS.get(sign[0], "")
        text = text[: sign.start()] + text[sign.end() :]
    text = text.strip()
    if text[:1] and text[0] in _MINUS:
        text = f"-{text[1:].strip()}"
    return text, currency


def _is_sign(char: str) -> bool:
    return not (char.isdigit() or char in " .,-+'()\u00a0\u202f\u2009\u2019\u2212")
