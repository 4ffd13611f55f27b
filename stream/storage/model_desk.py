"""Operators list models here and choose the one that scores. Workers follow within one poll."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from stream.errors import StorageError
from stream.events.times import rfc3339
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.desk import Desk
from stream.storage.keys import Keys
from stream.storage.scripts import script

__all__ = ["ModelDecision", "ModelDesk", "ModelsStored"]

_KEPT_DECISIONS = 500


class ModelDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator decided. ``model`` and ``version`` are empty where the action has none."""

    at: str
    by: str
    action: str
    model: str = ""
    version: int = 0


_decision_decoder = msgspec.json.Decoder(ModelDecision)


@dataclass(frozen=True, slots=True)
class ModelsStored:
    """Everything as of one moment; ``snapshot``, ``kept`` (newest first), ``candidates`` and ``report`` are sealed.

    ``automatic``: the champion by the contenders' own figures. ``pinned``: the one an operator promoted, or empty.
    ``frozen``: the snapshot in use stays. ``in_use``: name and version of what scores; empty and 0 before.
    """

    snapshot: bytes | None
    candidates: dict[str, bytes]
    kept: tuple[bytes, ...]
    report: bytes | None
    automatic: str
    pinned: str
    frozen: bool
    in_use: tuple[str, int]
    decisions: tuple[ModelDecision, ...]


class ModelDesk(Desk):
    """Reads and decides for the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        # a decision that is sent twice would be recorded twice
        super().__init__(connect_or_explain(settings, retries=0))
        self._keys = Keys(settings.namespace)
        self._decide = self._client.register_script(script("in_use.lua") + script("tried.lua") + script("decide.lua"))

    def look(self) -> ModelsStored:
        """What is stored now."""
        keys = self._keys
        try:
            pipe = self._client.pipeline(transaction=False)
            pipe.get(keys.snapshot())
            pipe.hgetall(keys.candidates())
            pipe.lrange(keys.kept(), 0, -1)
            pipe.hgetall(keys.models())
            pipe.lrange(keys.decisions(), 0, -1)
            snapshot, candidates, kept, meta, decisions = pipe.execute()
        except FAILURES as error:
            raise StorageError(f"the models cannot be read from Redis: {explained(error)}") from error
        return ModelsStored(
            snapshot=snapshot,
            candidates={name.decode(): value for name, value in candidates.items() if not name.endswith(b":version")},
            kept=tuple(kept),
            report=meta.get(b"report"),
            automatic=_text(meta, b"automatic"),
            pinned=_text(meta, b"pinned"),
            frozen=_text(meta, b"frozen") == "1",
            in_use=(_text(meta, b"name"), int(meta.get(b"version", 0))),
            decisions=tuple(map(_decision, decisions)),
        )

    def promote(self, name: str, *, by: str, now_ms: int) -> bool:
        """Let the contender ``name`` score from now on; return whether there is one."""
        return self._act("promote", by, now_ms, name)

    def automatic(self, *, by: str, now_ms: int) -> bool:
        """Let the contenders' figures decide again; return whether there are contenders."""
        return self._act("automatic", by, now_ms)

    def freeze(self, *, by: str, now_ms: int) -> None:
        """Keep the snapshot in use as it is."""
        self._act("freeze", by, now_ms)

    def unfreeze(self, *, by: str, now_ms: int) -> bool:
        """Follow what is learned again; return whether there are contenders."""
        return self._act("unfreeze", by, now_ms)

    def rollback(self, name: str, version: int, snapshot: bytes, *, by: str, now_ms: int) -> None:
        """Score with an earlier snapshot, sealed and verified, and keep it."""
        self._act("rollback", by, now_ms, name, version, snapshot)

    def _act(self, action: str, by: str, now_ms: int, name: str = "", version: int = 0, snapshot: bytes = b"") -> bool:
        keys = self._keys
        record = ModelDecision(at=rfc3339(now_ms), by=by, action=action, model=name, version=version)
        arguments: Sequence[bytes | str | int] = (
            action,
            name,
            version,
            snapshot,
            now_ms,
            msgspec.json.encode(record),
            _KEPT_DECISIONS,
        )
        touched = [keys.snapshot(), keys.candidates(), keys.models(), keys.kept(), keys.decisions()]
        try:
            return bool(self._decide(keys=touched, args=arguments) == 1)
        except FAILURES as error:
            raise StorageError(
                f"whether {action} was done is not known: {explained(error)}; look at `stream models list`"
            ) from error


def _text(meta: dict[bytes, bytes], field: bytes) -> str:
    return meta.get(field, b"").decode()


def _decision(value: Any) -> ModelDecision:
    try:
        return _decision_decoder.decode(value)
    except msgspec.DecodeError as error:
        raise StorageError(f"a recorded decision about models cannot be read: {error}: {value[:80]!r}") from error
