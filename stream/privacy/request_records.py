"""The compacted topic `privacy-requests`: who is to be erased, and who was.

A request names the ids of a person until all stores have carried it out. Then a record of the same key takes its place,
which has the keyed hashes of the ids only, and the receipt.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from stream.events.model import CustomerId
from stream.privacy.erasure_receipt import ErasureReceipt

__all__ = ["PrivacyRequest", "decode_request", "encode_request"]

_Name = Annotated[str, Meta(min_length=1, max_length=64)]


class PrivacyRequest(Struct, frozen=True, kw_only=True):
    """That a person is to be erased, or was.

    `pseudonyms`: keyed hashes of the ids. `asked_at`: seconds since the epoch. `ids`: in clear, as long as some store
    has not erased them; `opened_at`: the offset at which they were. `found`: how many things each store had.
    `receipt`: what was erased, once all is.
    """

    request_id: _Name
    asked_at: Annotated[float, Meta(ge=0)]
    pseudonyms: Annotated[list[_Name], Meta(min_length=1, max_length=10_000)]
    ids: list[CustomerId] = []
    found: dict[str, int] = {}
    receipt: ErasureReceipt | None = None
    opened_at: Annotated[int, Meta(ge=0)] | None = None

    @property
    def is_open(self) -> bool:
        """Whether some store may not have carried it out yet."""
        return self.receipt is None


_ENCODE: Final = msgspec.json.Encoder().encode
_DECODER: Final = msgspec.json.Decoder(PrivacyRequest)


def encode_request(request: PrivacyRequest) -> bytes:
    return _ENCODE(request)


def decode_request(value: bytes) -> PrivacyRequest:
    """Raises `msgspec.MsgspecError` and `UnicodeDecodeError`."""
    return _DECODER.decode(value)
