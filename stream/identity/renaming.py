"""An event as one of another customer, or with other ids in it."""

from collections.abc import Mapping
from typing import Final

import msgspec

__all__ = ["as_of_customer", "with_fields"]

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE: Final = msgspec.json.Encoder().encode


def as_of_customer(value: bytes, customer_id: str) -> bytes:
    """The JSON of an event that names ``customer_id``; all else is as it came.

    >>> as_of_customer(b'{"customer_id":"email:h1_a", "amount":1.50}', "c-1")
    b'{"customer_id":"c-1","amount":1.50}'
    """
    return with_fields(value, {"customer_id": customer_id})


def with_fields(value: bytes, fields: Mapping[str, str]) -> bytes:
    """The JSON of an event with other texts in some of its fields; all else is as it came."""
    told: dict[str, object] = {**_FIELDS.decode(value), **fields}
    return _ENCODE(told)
