"""How ``stream models`` shows the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.errors import SnapshotError
from stream.events.times import rfc3339
from stream.online_models.report import ModelReport, decode_report
from stream.online_models.snapshot import decode_snapshot
from stream.storage.model_desk import ModelsStored

__all__ = ["as_fields", "models_view"]

_SHOWN_DECISIONS = 5
_COLUMNS = ("model", "role", "version", "log loss", "AUC", "ECE", "labels", "alarms", "restarts")


def as_fields(stored: ModelsStored) -> dict[str, Any]:
    """Everything as plain fields. Raises `SnapshotError` if the report is damaged."""
    report = None if stored.report is None else decode_report(stored.report)
    name, version = stored.in_use
    return {
        "in_use": {"model": name, "version": version} if name else None,
        "automatic": stored.automatic or None,
        "pinned": stored.pinned or None,
        "frozen": stored.frozen,
        "rhythm": _rhythm(stored),
        "models": [] if report is None else list(_models(stored, report)),
        "kept": [_kept(sealed) for sealed in stored.kept],
        "decisions": [msgspec.to_builtins(decision) for decision in stored.decisions],
    }


def _rhythm(stored: ModelsStored) -> dict[str, Any] | None:
    """Of the snapshot in use: how often customers order, and the horizon that follows from it."""
    rhythm = None if stored.snapshot is None else decode_snapshot(stored.snapshot).rhythm
    if rhythm is None:
        return None
    fields: dict[str, Any] = msgspec.to_builtins(rhythm)
    schedule = [{"since": rfc3339(period.since_ms), "days": period.days} for period in rhythm.schedule]
    return fields | {"schedule": schedule, "horizon_days": rhythm.horizon_days, "sentence": rhythm.sentence()}


def _models(stored: ModelsStored, report: ModelReport) -> Iterator[dict[str, Any]]:
    for standing, version in zip(report.standings, report.versions, strict=True):
        fields: dict[str, Any] = msgspec.to_builtins(standing)
        recent = fields.pop("recent")
        del fields["champion"]
        role = "champion" if standing.name == stored.in_use[0] else "challenger"
        yield {**fields, "role": role, "version": version, **{f"recent_{key}": recent[key] for key in recent}}


def _kept(sealed: bytes) -> dict[str, Any]:
    try:
        snapshot = decode_snapshot(sealed)
    except SnapshotError as error:
        return {"refused": str(error)}
    return {
        "model": snapshot.churn.name,
        "version": snapshot.churn.version,
        "created_at": rfc3339(snapshot.created_at_ms),
    }


def models_view(stored: ModelsStored) -> RenderableType:
    """The table of contenders, what is in use, and the latest decisions."""
    fields = as_fields(stored)
    if not fields["models"]:
        return Text("no models yet: they appear when a trainer has learned its first examples")
    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in {"model", "role"} else "right")
    for model in fields["models"]:
        champion = model["role"] == "champion"
        table.add_row(
            Text(model["name"], "bold" if champion else ""),
            Text(model["role"], "green" if champion else "bright_black"),
            f"{model['version']}",
            *(_figure(model[f"recent_{key}"]) for key in ("log_loss", "auc", "ece")),
            f"{model['labels']:,}",
            f"{model['alarms']}",
            f"{model['restarts']}",
        )
    return Group(table, "", *_state(fields), *_decisions(fields))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _state(fields: dict[str, Any]) -> Iterator[str]:
    in_use = fields["in_use"]
    if in_use is None:
        yield "nothing is in use yet"
    else:
        mode = "frozen" if fields["frozen"] else f"promoted: {fields['pinned']}" if fields["pinned"] else "automatic"
        yield f"in use: {in_use['model']}, version {in_use['version']} ({mode})"
    if fields["rhythm"] is not None:
        yield f"horizon since {fields['rhythm']['schedule'][-1]['since'][:10]}: {fields['rhythm']['sentence']}"
    yield f"by the figures: {fields['automatic']}; earlier snapshots kept: {len(fields['kept'])}"


def _decisions(fields: dict[str, Any]) -> Iterator[str]:
    for decision in fields["decisions"][:_SHOWN_DECISIONS]:
        what = f" {decision['model']}" if decision["model"] else ""
        version = f" at version {decision['version']}" if decision["version"] else ""
        yield f"{decision['at']}  {decision['by']}: {decision['action']}{what}{version}"
