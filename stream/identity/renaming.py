"""An event as one of another customer."""

from typing import Final

import msgspec

__all__ = ["as_of_customer"]

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE: Final = msgspec.json.Encoder().encode


def as_of_customer(value: bytes, customer_id: str) -> bytes:
    """The JSON of an event that names ``customer_id``; all else is as it came.

    >>> as_of_customer(b'{"customer_id":"email:h1_a", "amount":1.50}', "c-1")
    b'{"customer_id":"c-1","amount":1.50}'
    """
    fields: dict[str, object] = {**_FIELDS.decode(value), "customer_id": customer_id}
    return _ENCODE(fields)
