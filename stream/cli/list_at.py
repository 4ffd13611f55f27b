"""Today's list at the end of a run over a log: where stream time is, is today."""

from collections.abc import Iterable

from stream.features.registry import DAY_MS
from stream.online_models.snapshot import ModelSnapshot
from stream.processing.rules import rules_of
from stream.processing.scorer import Scorer
from stream.reporting.assess import Basis
from stream.reporting.entries import Today
from stream.reporting.today import list_today
from stream.settings import Settings

__all__ = ["example_of", "list_at"]

_LENGTH = 10


def list_at(
    documents: Iterable[bytes], settings: Settings, snapshot: ModelSnapshot | None, stream_time_ms: int | None
) -> Today:
    """Whom to contact at ``stream_time_ms``, by the model of ``snapshot``."""
    now_ms = stream_time_ms or 0
    rules = rules_of(settings)
    scorer = Scorer.first(rules.horizon_ms / DAY_MS) if snapshot is None else Scorer.of(snapshot)
    basis = Basis(now_ms, scorer, rules)
    return list_today(documents, basis, since_ms=now_ms - DAY_MS, limit=_LENGTH)


def example_of(found: Today) -> str:
    """A customer worth a look, the first of the list if there is one."""
    named = (found.entries, found.returning.entries, found.new.entries, found.lost.entries)
    return next((entry.customer_id for entries in named for entry in entries), "CUSTOMER")
