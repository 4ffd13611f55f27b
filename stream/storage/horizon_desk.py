"""The horizon in Redis: read by commands and the notifier, and left there by an import for models to begin with."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from msgspec import DecodeError, json

from stream.errors import SnapshotError, StorageError, SystematicError
from stream.features.habit import SHOP_GAP_DAYS
from stream.online_models.horizon import FIRST_HORIZON_DAYS, HorizonPeriod, Rhythm, Seed
from stream.online_models.learner_settings import learner_settings_of
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain
from stream.storage.keys import Keys

__all__ = ["HorizonInForce", "decode_seed", "horizon_in_force", "rhythm_in_force", "seed_rhythm"]

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 15.0
_LOOK_EVERY_S = 60.0
#: Earlier versions stored the schedule alone.
_decoder = json.Decoder(Seed | tuple[HorizonPeriod, ...])


def rhythm_in_force(settings: Settings) -> Rhythm | None:
    """The rhythm under which customers are scored now; None before the first model, or from an earlier version.

    Raises `StorageError` when Redis fails, `SnapshotError` when the snapshot is damaged.
    """
    client = connect_or_explain(settings, timeout_s=_TIMEOUT_S)
    try:
        encoded = client.get(Keys(settings.namespace).snapshot())
    except FAILURES as error:
        raise StorageError(f"the model snapshot cannot be read from Redis: {error}") from error
    finally:
        client.close()
    return None if encoded is None else decode_snapshot(encoded).rhythm


def horizon_in_force(settings: Settings) -> float:
    """The horizon (days) in force: what the settings fix, else that of the shop. Raises as `rhythm_in_force` does."""
    if settings.horizon_days > 0.0:
        return settings.horizon_days
    rhythm = rhythm_in_force(settings)
    return FIRST_HORIZON_DAYS if rhythm is None else rhythm.horizon_days


class HorizonInForce:
    """The horizon in force for a process that runs for long: looked up again when it is asked for, once a minute."""

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Look it up for the first time. Raises as `horizon_in_force` does."""
        self._settings = settings
        self._monotonic = monotonic
        self._days = horizon_in_force(settings)
        self._looked_at_s = monotonic()

    def days(self) -> float:
        """In days. Raises `StorageError` when Redis fails; while the snapshot is damaged, what was known stays."""
        now_s = self._monotonic()
        if now_s - self._looked_at_s >= _LOOK_EVERY_S:
            try:
                self._days = horizon_in_force(self._settings)
            except SnapshotError as error:
                _LOG.warning("the horizon stays %g days: %s", self._days, error)
            self._looked_at_s = now_s
        return self._days


def seed_rhythm(settings: Settings, seed: Seed, now_ms: int) -> bool:
    """Let the models of the namespace begin with what a history shows; False when they have begun already.

    To be called before the history is published: workers judge each landmark by the horizon, and each silence by the
    usual gap that they know of. Raises `StorageError` when Redis fails.
    """
    from stream.online_models.learner import Learner  # noqa: PLC0415 - River: a second, and workers only read

    keys = Keys(settings.namespace)
    learner = Learner(learner_settings_of(settings, seed))
    client = connect_or_explain(settings, timeout_s=_TIMEOUT_S)
    try:
        if client.hexists(keys.checkpoint(), "learner") or client.exists(keys.snapshot()):
            return False
        client.set(keys.horizon_seed(), json.encode(seed))
        return bool(client.set(keys.snapshot(), encode_snapshot(learner.snapshot(now_ms)), nx=True))
    except FAILURES as error:
        raise StorageError(f"what the models begin with cannot be stored in Redis: {error}") from error
    finally:
        client.close()


def decode_seed(value: bytes | None) -> Seed | None:
    """What an import has left for the models, None for nothing. Raises `SystematicError` when it is damaged."""
    try:
        found = None if value is None else _decoder.decode(value)
    except DecodeError as error:
        raise SystematicError(
            f"what an import has left in Redis for the models cannot be read: {error}; restore the key horizon-seed "
            "from a backup, or delete it: then models begin without it"
        ) from error
    if isinstance(found, tuple):
        return Seed(schedule=found, shop_gap_days=SHOP_GAP_DAYS, until_ms=0) if found else None
    return found
