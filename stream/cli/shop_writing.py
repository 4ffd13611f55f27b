"""How a shop's figures are written, where nothing is read yet that needs compiled code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import click
import msgspec

from stream.errors import TopologyError
from stream.notifications.read_to_end import read_to_end
from stream.reporting.writing import Writing
from stream.settings import Settings

__all__ = ["currency_of_orders", "writing_of"]

#: Records of each partition that are asked for their currency.
_ASKED: Final = 50
#: The longest wait (s) for Kafka to say in which currency figures are.
_PATIENCE_S: Final = 3.0


class _Priced(msgspec.Struct):
    currency: str | None = None


_decoder: Final = msgspec.json.Decoder(_Priced)


def writing_of(settings: Settings) -> Writing:
    """How figures are written: in the shop's currency, or else in that of its newest orders."""

    def usual() -> str:
        try:
            return currency_of_orders(settings)
        except TopologyError as error:
            click.echo(f"stream: amounts are shown without a currency, set shop_currency: {error}", err=True)
            return ""

    return Writing.of(settings, usual)


def currency_of_orders(settings: Settings) -> str:
    """What most of the newest orders are in; empty when no order says. Raises `TopologyError`."""
    named = Counter(_named(settings))
    return named.most_common(1)[0][0] if named else ""


def _named(settings: Settings) -> Iterator[str]:
    for record in read_to_end(settings, settings.events_purchase, newest=_ASKED, wait_s=_PATIENCE_S):
        try:
            priced = _decoder.decode(record.value or b"")
        except msgspec.DecodeError:
            continue  # a worker makes it a dead letter
        if priced.currency:
            yield priced.currency
