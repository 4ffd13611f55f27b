"""Amounts with what stands beside them: currency signs and codes."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.numbers import get_currency_precision

__all__ = [
    "CURRENCIES",
    "currency_in_name",
    "currency_of",
    "has_cents",
    "is_yuan_or_yen",
    "shared_by",
    "without_currency",
]


#: Signs that several currencies use.
_AMBIGUOUS: Final = ("$", "kr.", "kr", "Kr.", "Kr", "KR", "Rs.", "Rs")
#: Of those that say more than "$" does: the currencies that write so.
_SHARED: Final = MappingProxyType({"kr": ("DKK", "NOK", "SEK"), "rs": ("INR", "LKR", "NPR", "PKR")})
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
        **dict.fromkeys(("руб.", "руб", "р."), "RUB"),
        **dict.fromkeys(("TL", "Tl"), "TRY"),
        **dict.fromkeys(("лв.", "лв"), "BGN"),
        **dict.fromkeys(("грн.", "грн"), "UAH"),
        **dict.fromkeys(("lei", "Lei", "LEI"), "RON"),
        **dict.fromkeys(("Fr.", "Fr", "SFr.", "SFr"), "CHF"),
        **dict.fromkeys(("EURO", "Euro", "euro"), "EUR"),
        **dict.fromkeys(("đ", "Đ"), "VND"),
        "Rp": "IDR",
        "RM": "MYR",
        "R": "ZAR",
        "S/": "PEN",
        "KSh": "KES",
    }


#: Every code of ISO 4217 that is or was in use.
CURRENCIES: Final = frozenset(
    str(code) for code in Locale.parse("en").currencies if re.fullmatch("[A-Z]{3}", str(code))
)

#: From here on characters are words by themselves.
_IDEOGRAPHS: Final = 0x2E80
#: What each sign means that is used by one currency. "$" and "kr" are used by many and left out.
_SYMBOLS: Final = MappingProxyType(_symbols())
_CODE: Final = re.compile(r"(?<![A-Za-z])([A-Za-z]{3})(?![A-Za-z])")


def _pattern(sign: str) -> str:
    """A sign of letters is a word of its own; ideographs stand beside others."""
    begins, ends = (r"(?<![^\W\d_])" if _is_letter(sign[0]) else ""), (r"(?![^\W\d_])" if _is_letter(sign[-1]) else "")
    return f"{begins}{re.escape(sign)}{ends}"


def _is_letter(char: str) -> bool:
    return char.isalpha() and ord(char) < _IDEOGRAPHS


_SIGNS: Final = re.compile(
    "|".join(
        _pattern(sign) for sign in sorted((*_SYMBOLS, *_AMBIGUOUS), key=len, reverse=True) if sign not in CURRENCIES
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


def shared_by(cell: str) -> tuple[str, ...]:
    """The currencies of which an amount may be, where its sign is that of a few.

    >>> shared_by("12,50 kr."), shared_by("$12.50"), shared_by("NOK 12,50")
    (('DKK', 'NOK', 'SEK'), (), ())
    """
    text, currency = _taken_apart(cell)
    if currency or not text:
        return ()
    sign = _SIGNS.search(cell)
    return () if sign is None else _SHARED.get(sign[0].rstrip(".").casefold(), ())


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
