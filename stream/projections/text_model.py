"""A model of texts as states of a projection: a head, its latest snapshot in pieces, and the examples since.

A model is too large to be written with every example. A step writes the examples that it learned and the *head*, which
says how many there were. Once the examples since the last snapshot are larger than the model, there is a new snapshot,
and those examples go that the model does not draw from again. So a byte learned is written about twice.

The model in memory is a cache: a head has a digest of all examples before it, and a model is used for a head with the
digest and the snapshot that it was left at. Otherwise, as after a restart, it is made of the stored states.

    examples   1 2 3 4 5 6 7 8 9          stored: snapshot of 6, examples 7 to 9, and of 1 to 6 those of the sample
    snapshot             ^     ^ head
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
import xxhash

from stream.errors import CodecError
from stream.texts.classifier import Decision, TextClassifier
from stream.texts.packing import PackedExample, pack, sampled, unpack
from stream.texts.replay_sample import Hashed

__all__ = ["MAX_CATEGORIES", "Head", "Learning", "StoredModel"]

#: The first categories are learned, no further ones: each takes 0.8 MB of memory, and a part of each snapshot.
MAX_CATEGORIES: Final = 100

#: Bytes of examples before which there is no snapshot, and of a piece of one.
_MIN_SNAPSHOT: Final = 1 << 15
_PIECE: Final = 1 << 19
_MASK: Final = (1 << 63) - 1


class Head(msgspec.Struct, omit_defaults=True):
    """``examples``: learned so far; ``digest``: of all of them, in their order. ``labels``: examples of each category.

    ``snapshot``: how many examples the snapshot has learned, ``pieces``: its number of pieces, ``size``: its bytes.
    ``since``: bytes of the examples since then.
    """

    examples: int = 0
    digest: int = 0
    labels: dict[str, int] = msgspec.field(default_factory=dict)
    snapshot: int = 0
    pieces: int = 0
    size: int = 0
    since: int = 0


class Stored(msgspec.Struct, omit_defaults=True):
    """One state of a model: one of them is set."""

    head: Head | None = None
    piece: bytes | None = None
    example: PackedExample | None = None


class _Live(NamedTuple):
    """A model, and the numbers of the examples that are stored beside those since the snapshot."""

    model: TextClassifier
    sample: frozenset[int]


class StoredModel:
    """A model under keys that begin with ``name``. Two are in memory: before and after the latest fold."""

    def __init__(self, name: str, make: Callable[[], TextClassifier]) -> None:
        self.name = name
        self._make = make
        self._live: dict[tuple[int, int], _Live] = {}

    @property
    def head_key(self) -> str:
        return self.name

    def reach(self, states: Mapping[str, Stored]) -> Iterable[str]:
        """Keys of the states that `open` needs, as far as ``states`` tell."""
        yield self.head_key
        head = self._head(states)
        if _identity(head) in self._live or not head.examples:
            return
        pieces = [self._piece_key(number) for number in range(head.pieces)]
        yield from pieces
        yield from map(self._example_key, range(head.snapshot + 1, head.examples + 1))
        if all(key in states for key in pieces) and pieces:
            yield from map(self._example_key, sampled(self._packed(states, head)))

    def open(self, states: Mapping[str, Stored]) -> Learning:
        """The model of the head. Raises `CodecError` if a state of it is missing."""
        head = self._head(states)
        live = self._live.get(_identity(head))
        if live is None:
            live = self._restored(states, head)
        self._live = {_identity(head): live}
        return Learning(self, msgspec.structs.replace(head, labels={**head.labels}), live)

    def keep(self, head: Head, live: _Live) -> None:
        """A fold has left a model; the one before it stays, for the step may fail."""
        self._live[_identity(head)] = live

    def _restored(self, states: Mapping[str, Stored], head: Head) -> _Live:
        model, sample = self._make(), frozenset[int]()
        if head.pieces:
            packed = self._packed(states, head)
            sample = frozenset(sampled(packed))
            model = unpack(packed, self._make, {number: self._example(states, number).hashed() for number in sample})
        for number in range(head.snapshot + 1, head.examples + 1):
            example = self._example(states, number)
            model.learn_one(example.hashed(), example.label)
        return _Live(model, sample)

    def _head(self, states: Mapping[str, Stored]) -> Head:
        stored = states.get(self.head_key)
        return Head() if stored is None or stored.head is None else stored.head

    def _packed(self, states: Mapping[str, Stored], head: Head) -> bytes:
        pieces = [states.get(self._piece_key(number), Stored()).piece for number in range(head.pieces)]
        found = [piece for piece in pieces if piece is not None]
        if len(found) < len(pieces) or sum(map(len, found)) != head.size:
            raise CodecError(f"the stored snapshot of the model {self.name} is not whole")
        return b"".join(found)

    def _example(self, states: Mapping[str, Stored], number: int) -> PackedExample:
        found = states.get(self._example_key(number), Stored()).example
        if found is None:
            raise CodecError(f"example {number} of the model {self.name} is not stored")
        return found

    def _piece_key(self, number: int) -> str:
        return f"{self.name}/piece/{number}"

    def _example_key(self, number: int) -> str:
        return f"{self.name}/example/{number}"

    def snapshot(self, head: Head, live: _Live, changed: dict[str, Stored | None]) -> _Live:
        """Write a snapshot into ``changed`` and ``head``; returns what is in memory afterwards."""
        packed = pack(live.model)
        sample = frozenset(example.number for example in live.model.replay.examples)
        for number in (live.sample | {*range(head.snapshot + 1, head.examples + 1)}) - sample:
            key = self._example_key(number)
            if key in changed:
                # of this step: it is not stored yet
                del changed[key]
            else:
                changed[key] = None
        pieces = [packed[start : start + _PIECE] for start in range(0, len(packed), _PIECE)]
        changed |= {self._piece_key(number): Stored(piece=piece) for number, piece in enumerate(pieces)}
        changed |= dict.fromkeys(map(self._piece_key, range(len(pieces), head.pieces)))
        head.snapshot, head.pieces, head.size, head.since = head.examples, len(pieces), len(packed), 0
        return _Live(live.model, sample)

    def write(self, head: Head, example: PackedExample, changed: dict[str, Stored | None]) -> None:
        """Write an example that ``head`` counts already into ``changed``."""
        changed[self._example_key(head.examples)] = Stored(example=example)


class Learning:
    """A model in a fold. `close` gives the states that it has changed."""

    def __init__(self, stored: StoredModel, head: Head, live: _Live) -> None:
        self._stored = stored
        self._head = head
        self._live = live
        self._changed: dict[str, Stored | None] = {}

    @property
    def model(self) -> TextClassifier:
        return self._live.model

    def decide(self, text: str, hashed: Hashed) -> Decision:
        """What the model makes of a text now."""
        return self._live.model.decide(text, hashed=hashed)

    def learn(self, hashed: Hashed, label: str) -> None:
        """Learn that a text is of a category; one beyond `MAX_CATEGORIES` is not learned."""
        if label not in self._head.labels and len(self._head.labels) >= MAX_CATEGORIES:
            return
        if not self._changed:
            # the former model is needed if this step is not stored
            self._live = self._live._replace(model=self._live.model.copy())
        self._live.model.learn_one(hashed, label)
        head, example = self._head, PackedExample.of(hashed, label)
        head.examples += 1
        head.labels[label] = head.labels.get(label, 0) + 1
        head.since += len(example.buckets) + len(example.counts)
        seen = b"%d %d %s " % (head.digest, head.examples, label.encode("utf-8", "surrogatepass"))
        head.digest = xxhash.xxh64_intdigest(seen + example.buckets + example.counts) & _MASK
        self._stored.write(head, example, self._changed)

    def close(self) -> dict[str, Stored | None]:
        """The states to write, None to forget; there is a snapshot among them when it is time."""
        if not self._changed:
            return {}
        if self._head.since > max(_MIN_SNAPSHOT, self._head.size):
            self._live = self._stored.snapshot(self._head, self._live, self._changed)
        self._changed[self._stored.head_key] = Stored(head=self._head)
        self._stored.keep(self._head, self._live)
        return self._changed


def _identity(head: Head) -> tuple[int, int]:
    """What the model is, and which examples are stored: another process may have made its snapshot elsewhere."""
    return head.digest, head.snapshot
