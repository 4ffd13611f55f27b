"""What the console shows of all that is kept of a person, and how it has a person erased."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

__all__ = ["ExportForm", "KeptOfPerson", "OpenErasure", "PersonalData", "ReceiptShown", "ReceiptsShown"]

#: Everything as one JSON object; the same to be read; events as another system takes them in.
ExportForm = Literal["json", "html", "events"]


class KeptOfPerson(NamedTuple):
    """``person``: the id that was asked for, as stores have it; ``ids``: all that are joined with it, itself first.

    ``found``: how many things each store has. ``remains``: what no erasure reaches, and until when it stays.
    ``names``, or else e-mail addresses: by id, of those who were imported with one.
    """

    person: str
    ids: Sequence[str]
    found: Mapping[str, int]
    remains: Mapping[str, str]
    names: Mapping[str, str] = MappingProxyType({})


class ReceiptShown(NamedTuple):
    """A receipt: when it was asked for and done, and how many things each store had."""

    number: int
    request_id: str
    asked_ms: int
    erased_ms: int
    found: Mapping[str, int]


class OpenErasure(NamedTuple):
    """A request that some store may not have carried out. ``person``: an id of the person, as stores have it."""

    request_id: str
    asked_ms: int
    person: str


class ReceiptsShown(NamedTuple):
    """``receipts``: the newest first. ``faults``: what is wrong with them, each a line; empty: all is whole.

    ``is_signed_here``: the key that signs here was there to compare with. ``has_key``: without the key under which
    people are hashed, nothing of this is known, and nobody can be erased.
    """

    receipts: Sequence[ReceiptShown]
    waiting: Sequence[OpenErasure]
    faults: Sequence[str]
    is_signed_here: bool
    has_key: bool = True


class PersonalData(Protocol):
    """Every method blocks, and raises a `StreamError` when a server is away."""

    def kept(self, text: str) -> KeptOfPerson:
        """What stores have of the person whom people mean by ``text``: see `Operations.id_of`."""
        ...

    def export(self, person: str, form: ExportForm) -> bytes | None:
        """Everything about a person, in clear; None: there is nothing. It takes as long as the topics take to read."""
        ...

    def ask(self, person: str) -> str:
        """Ask for the erasure of a person; returns the id of the request, which lasts until it is carried out."""
        ...

    def carry_out(self, request_id: str, tell: Callable[[str], None], stop: threading.Event) -> None:
        """Erase, up to the receipt, or until ``stop``; what is interrupted is gone on with by the next call.

        ``tell`` is given what is waited for, a line in English.
        """
        ...

    def receipts(self) -> ReceiptsShown:
        """All receipts, verified, and what waits for its own."""
        ...
