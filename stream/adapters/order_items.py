"""What the shop systems' tables share: items of orders, and refunds."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from stream.adapters.json_fields import amount, label, pick

__all__ = ["items_of", "sum_of"]


def items_of(lines: object, *, category: str = "category") -> list[dict[str, object]] | None:
    """The items of an order: ``sku`` (as in the exports of shop systems), else ``product_id``, of each line."""
    items = [
        {
            "product_id": product_id,
            "quantity": amount(pick(line, "quantity")),
            "price": amount(pick(line, "price")),
            "category": label(pick(line, category)),
        }
        for line in (lines if isinstance(lines, list) else [])
        if (product_id := label(pick(line, "sku", "product_id"))) is not None
    ]
    return items or None


def sum_of(amounts: Iterable[Any]) -> object:
    """The exact sum of amounts that are written as text, without its sign; the first that is none as it is.

    >>> sum_of(["0.10", "0.20"]), sum_of(["-5.00"]), sum_of(["free"])
    (0.3, 5.0, 'free')
    """
    total = Decimal(0)
    for given in amounts:
        try:
            total += Decimal(str(given))
        except InvalidOperation:
            return given
    return abs(float(total))
