"""The trainer's checkpoint and the snapshot that scorers read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import xxhash

from stream.errors import FencedError, StorageError, SystematicError
from stream.storage.connection import FAILURES, Client
from stream.storage.damage import OR_REPLAY, failure
from stream.storage.keys import Keys
from stream.storage.round_trips import measured
from stream.storage.scripts import script
from stream.storage.tokens import epoch_of, with_nonce

__all__ = ["LEARNED_TTL_S", "Candidate", "Checkpoint", "ModelStore", "Publication", "digests"]

#: How long the ids of learned examples are kept, from the last of their week on, to drop re-sent ones. What was
#: published and not yet trimmed when all workers died comes again when they are back. Not longer, for it is memory: two
#: ids a week of each customer.
LEARNED_TTL_S = 8 * 86_400


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``learner``: its dumped state, None at the very beginning. ``offset``: next example to learn.

    ``seed``: what an import has left for the very beginning.
    """

    learner: bytes | None
    offset: int
    seed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """``snapshot``: sealed."""

    version: int
    snapshot: bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """What the trainer offers: a snapshot of every contender, by name; ``champion`` is the one its fold has chosen.

    ``report``: how they do, sealed. ``in_use``: whether scorers may get a new snapshot; an operator's decision comes
    first either way.
    """

    champion: str
    candidates: Mapping[str, Candidate]
    report: bytes
    at_ms: int
    in_use: bool = True

    def __post_init__(self) -> None:
        if self.champion not in self.candidates:
            raise ValueError(f"the champion {self.champion!r} is not among {sorted(self.candidates)}")


def digests(ids: Iterable[str]) -> list[bytes]:
    """What is stored of the ids of examples: eight bytes each, half of what the id itself would take in all.

    Two of a hundred million ids of a week coincide with a probability of 0.03 %; then one example is not learned.
    """
    return [xxhash.xxh3_64_digest(example_id.encode()) for example_id in ids]


class ModelStore:
    """One writer, the trainer; many readers, the scorers."""

    def __init__(self, client: Client, keys: Keys, worker: str) -> None:
        self._client = client
        self._keys = keys
        self._worker = worker
        self._token = ""
        self._sequence = 0
        self._learn_script = client.register_script(script("in_use.lua") + script("tried.lua") + script("learn.lua"))
        self._claim_script = client.register_script(script("claim_models.lua"))

    @measured("snapshot")
    async def snapshot(self) -> bytes | None:
        """Return the encoded snapshot, None while there is none."""
        try:
            found: bytes | None = await self._client.get(self._keys.snapshot())
        except FAILURES as error:
            raise StorageError(f"the model snapshot cannot be read from Redis: {error}") from error
        return found

    @measured("snapshot")
    async def present(self) -> tuple[bytes | None, int]:
        """Return the encoded snapshot, and how often it was asked that all customers be scored again."""
        try:
            snapshot, asked = await self._client.mget([self._keys.snapshot(), self._keys.rescore()])
        except FAILURES as error:
            raise StorageError(f"the model snapshot cannot be read from Redis: {error}") from error
        return snapshot, int(asked or 0)

    @measured("claim_models")
    async def claim(self) -> Checkpoint:
        """Become the trainer: writes of an earlier one are rejected from now on."""
        try:
            token, learner, offset = await self._claim_script(
                keys=[self._keys.checkpoint()], args=[with_nonce(self._worker)]
            )
        except FAILURES as error:
            raise failure("the trainer's checkpoint cannot be claimed in Redis", error) from error
        if offset and not offset.isdigit():
            raise SystematicError(
                f"the offset of the trainer's checkpoint is {offset[:40]!r}, not a number: restore the key from a "
                f"backup, {OR_REPLAY}"
            )
        self._token = token.decode()
        self._sequence = 0
        return Checkpoint(learner, int(offset or 0), None if learner else await self.seed())

    async def seed(self) -> bytes | None:
        """What an import has left for models that have learned nothing."""
        try:
            found: bytes | None = await self._client.get(self._keys.horizon_seed())
        except FAILURES as error:
            raise failure("what models begin with cannot be read from Redis", error) from error
        return found

    @measured("unlearned")
    async def unlearned(self, ids_by_week: Mapping[int, Sequence[str]]) -> set[str]:
        """Return the ids, of examples by the week of their landmark, that have not been learned yet."""
        fresh: set[str] = set()
        try:
            for week, ids in ids_by_week.items():
                flags = await self._client.smismember(self._keys.learned(week), digests(ids))
                fresh.update(example_id for example_id, known in zip(ids, flags, strict=True) if not known)
        except FAILURES as error:
            raise failure("the ids of learned examples cannot be read from Redis", error) from error
        return fresh

    @measured("save")
    async def save(
        self,
        checkpoint: Checkpoint,
        learned: Mapping[int, Sequence[str]],
        publication: Publication | None,
    ) -> None:
        """Write checkpoint, offset, learned ids and (unless None) what is published in one step.

        Raises FencedError when another trainer has claimed the checkpoint, StorageError when Redis fails.
        """
        self._sequence += 1
        token = f"{self._token.rpartition(':')[0]}:{self._sequence}"
        keys = [
            self._keys.checkpoint(),
            self._keys.snapshot(),
            self._keys.candidates(),
            self._keys.models(),
            self._keys.kept(),
            *map(self._keys.learned, learned),
        ]
        arguments: list[bytes | str | int] = [
            self._token,
            token,
            checkpoint.learner or b"",
            checkpoint.offset,
            LEARNED_TTL_S,
            *_published(publication),
        ]
        for ids in learned.values():
            arguments.append(len(ids))
            arguments += digests(ids)
        try:
            accepted, *rest = await self._learn_script(keys=keys, args=arguments)
        except FAILURES as error:
            raise failure("the trainer's step may not have been written", error) from error
        if accepted != 1:
            stored = rest[0].decode(errors="replace")
            raise FencedError(
                f"the checkpoint is at token {stored or 'none'}, not at {self._token}: "
                "another trainer took over, or Redis lost its last writes",
                superseded=epoch_of(stored) > epoch_of(self._token),
            )
        self._token = token


def _published(publication: Publication | None) -> list[bytes | str | int]:
    """Arguments of the script; without a publication there are no candidates."""
    if publication is None:
        return [0, "", 0, b"", 0]
    arguments: list[bytes | str | int] = [
        int(publication.in_use),
        publication.champion,
        publication.at_ms,
        publication.report,
        len(publication.candidates),
    ]
    for name, candidate in publication.candidates.items():
        arguments += [name, candidate.version, candidate.snapshot]
    return arguments
