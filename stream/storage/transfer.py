"""Copying everything of a namespace from one Redis to another, key by key as Redis itself packs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained

__all__ = ["copy_state", "count_keys"]

_AT_ONCE = 500


def count_keys(settings: Settings) -> int:
    """How many keys there are in the namespace. Raises `StorageError`."""
    client = connect_or_explain(settings)
    try:
        return sum(len(keys) for keys in _keys(client, settings.namespace))
    except FAILURES as error:
        raise StorageError(f"Redis cannot be read: {explained(error)}") from error
    finally:
        client.close()


def copy_state(source: Settings, target: Settings) -> int:
    """Copy all keys with their times to live into the namespace of ``target``; returns how many.

    Neither may be written to meanwhile. Raises `StorageError` when one fails, and when the target refuses a key: it
    has one of that name, or it is an older Redis that cannot read the packed form of a newer one.
    """
    reader, writer = connect_or_explain(source), connect_or_explain(target)
    copied = 0
    try:
        for keys in _keys(reader, source.namespace):
            with reader.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.dump(key)
                    pipeline.pttl(key)
                answers: list[Any] = pipeline.execute()
            with writer.pipeline(transaction=False) as pipeline:
                for key, packed, ttl_ms in zip(keys, answers[::2], answers[1::2], strict=True):
                    if packed is not None:  # it has not expired meanwhile
                        own = target.namespace.encode() + key[len(source.namespace.encode()) :]
                        pipeline.restore(own, max(ttl_ms, 0), packed)
                copied += len(pipeline.execute())
    except FAILURES as error:
        raise StorageError(f"after {copied:,} keys: {explained(error)}") from error
    finally:
        reader.close()
        writer.close()
    return copied


def _keys(client: Any, namespace: str) -> Iterator[list[bytes]]:
    """All keys of a namespace, each once, some at a time."""
    seen: set[bytes] = set()
    some: list[bytes] = []
    escaped = "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in namespace)
    for key in client.scan_iter(match=f"{escaped}:*", count=_AT_ONCE):
        if key not in seen:
            seen.add(key)
            some.append(key)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some
