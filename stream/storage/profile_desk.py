"""Stored profiles from outside of the workers: which layout they are kept in, and which cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from stream.errors import CodecError, StorageError
from stream.features.codec import LAYOUT, unpack
from stream.processing.stored_profile import profile_in
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.desk import Desk
from stream.storage.keys import Keys

__all__ = ["ProfileDesk", "Scanned"]

_AT_ONCE = 500


class Scanned(NamedTuple):
    """A stored document. ``layout``: of its profile; None, and ``why`` not empty, when it cannot be read."""

    key: str
    layout: int | None
    why: str = ""


class ProfileDesk(Desk):
    """Looks at the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(connect_or_explain(settings))
        self._keys = Keys(settings.namespace)
        self._customer = re.compile(f"{re.escape(settings.namespace)}:{{[0-9]+}}:customer:(.*)", re.DOTALL)

    def layout_in_use(self) -> int | None:
        """The layout that workers write, None before the first worker."""
        try:
            stored = self._client.get(self._keys.profile_layout())
            return None if stored is None else int(stored)
        except (*FAILURES, ValueError) as error:
            raise StorageError(f"the layout of profiles cannot be read from Redis: {explained(error)}") from error

    def finish_upgrade(self) -> None:
        """Let workers write `LAYOUT` from their next claim on; workers of older releases end when they claim next."""
        try:
            self._client.set(self._keys.profile_layout(), LAYOUT)
        except FAILURES as error:
            raise StorageError(f"the layout of profiles cannot be stored in Redis: {explained(error)}") from error

    def scan(self) -> Iterator[Scanned]:
        """Every customer document with a profile, in no order; one written meanwhile may be missing or come twice."""
        try:
            found = self._client.scan_iter(match=self._keys.customer_pattern(), count=_AT_ONCE)
            while keys := [*islice(found, _AT_ONCE)]:
                pipe = self._client.pipeline(transaction=False)
                for key in keys:
                    pipe.get(key)
                # a key of another type is answered by an error of its own
                answers = pipe.execute(raise_on_error=False)
                for key, answer in zip(keys, answers, strict=True):
                    if answer is not None and (scanned := self._scanned(key, answer)) is not None:
                        yield scanned
        except FAILURES as error:
            raise StorageError(f"the customers cannot be listed: {explained(error)}") from error

    def _scanned(self, key: bytes, answer: object) -> Scanned | None:
        """None: there is no profile in it that counts."""
        name = key.decode(errors="backslashreplace")
        customer = self._customer.fullmatch(name)
        if isinstance(answer, Exception):
            if "WRONGTYPE" in str(answer):
                return Scanned(name, None, "is not a string")
            raise StorageError(f"{name} cannot be read: {answer}") from answer
        if customer is None or not isinstance(answer, bytes):
            return Scanned(name, None, "is not the key of a customer")
        try:
            packed = profile_in(answer, customer[1])
            if packed is None:
                return None
            unpack(packed, customer[1])
        except CodecError as error:
            return Scanned(name, None, str(error))
        return Scanned(name, packed[0])
