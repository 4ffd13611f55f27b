"""A record of a topic, as far as the project reads it."""

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Record"]


class Record(Protocol):
    """What a consumed record offers; aiokafka's ``ConsumerRecord`` is one.

    ``timestamp``: when it was appended, in ms, by the broker's clock (``LogAppendTime``).
    """

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...
