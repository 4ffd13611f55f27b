"""The single values of a packed profile: one table, from which the code that writes and reads them is made.

A new field goes to the end of `FIELDS`. A profile that was written without it ends before it, and the field keeps the
default that `stream.features.profile.reset` gives. A new count goes to the end of the `Counts`: its bit was not set.
Fields are never moved or removed within a layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stream.compiling import jit_generated
from stream.features import varint
from stream.features.profile import PROFILE

__all__ = ["FIELDS", "MAX_FIELD_BYTES", "Counts", "Flags", "ProfileField", "get_fields", "put_fields"]


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One value of a profile, written as ``kind``, relative to other fields that stand before it.

    ``kind``: "time" and "grid_time" (ms; see `stream.features.varint`), "uint", "int", "float", and "less": by how much
    the value is less than ``base``. ``base`` and ``phase`` are expressions over the profile ``p``.
    """

    name: str
    kind: str
    base: str = "0"
    phase: str = "0"


@dataclass(frozen=True, slots=True)
class Counts:
    """Values that are mostly zero: a bit for each that is not, then those. The first seven cost least."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """Booleans, a bit each."""

    names: tuple[str, ...]


_LAST, _FIRST, _PHASE = "p.last_at", "p.first_at", "p.phase_ms"

FIELDS: Final[tuple[ProfileField | Counts | Flags, ...]] = (
    ProfileField("last_at", "int"),
    ProfileField("first_at", "time", _LAST),
    ProfileField("last_click_at", "time", _LAST),
    ProfileField("last_email_at", "time", _LAST),
    ProfileField("unsubscribed_at", "time", _LAST),
    ProfileField("last_order_at", "time", _LAST),
    ProfileField("settled_last_at", "time", _LAST),
    ProfileField("first_order_at", "time", _FIRST),
    ProfileField("settled_first_at", "time", _FIRST),
    ProfileField("ids_floor_s", "time", f"{_LAST} // 1000"),
    ProfileField("events", "uint"),
    Counts(
        (
            *("orders", "order_days", "order_spend", "emails_sent", "emails_opened", "emails_clicked"),
            *("unpriced", "refunds", "refund_spend"),
        )
    ),
    ProfileField("phase_ms", "uint"),
    ProfileField("next_landmark_at", "grid_time", _LAST, _PHASE),
    ProfileField("as_of", "grid_time", _LAST, _PHASE),
    ProfileField("check_at", "grid_time", _LAST, _PHASE),
    ProfileField("at_risk_from", "grid_time", _LAST, _PHASE),
    ProfileField("raised_at", "time", _LAST),
    ProfileField("cooldown_until", "grid_time", _LAST, "p.raised_at"),
    ProfileField("risk", "float"),
    ProfileField("risk_version", "uint"),
    ProfileField("segment", "int"),
    ProfileField("segment_version", "less", "p.risk_version"),
    Flags(("raised", "check_due", "won_back")),
    ProfileField("stage", "uint"),
    ProfileField("stage_since", "time", "p.last_order_at if p.orders > 0 else p.last_at"),
    ProfileField("stage_cause", "uint"),
)

#: No field, and no mask of counts or flags, takes more bytes.
_VALUE_BYTES: Final = 10
MAX_FIELD_BYTES: Final = _VALUE_BYTES * (
    len(FIELDS) + sum(len(entry.names) for entry in FIELDS if isinstance(entry, Counts))
)

_ARGUMENTS: Final = {"time": ("base",), "grid_time": ("base", "phase")}


def _put(entry: ProfileField | Counts | Flags) -> Iterator[str]:
    match entry:
        case Counts(names):
            mask = " | ".join(f"({1 << bit} if p.{name} != 0 else 0)" for bit, name in enumerate(names))
            yield f"at = put_uint(buffer, at, {mask})"
            for name in names:
                yield f"if p.{name} != 0:"
                yield f"    at = put_int(buffer, at, p.{name})"
        case Flags(names):
            mask = " | ".join(f"({1 << bit} if p.{name} else 0)" for bit, name in enumerate(names))
            yield f"at = put_uint(buffer, at, {mask})"
        case ProfileField(name, "less", base):
            yield f"at = put_int(buffer, at, {base} - p.{name})"
        case ProfileField(name, kind):
            yield f"at = put_{kind}(buffer, at, {', '.join((f'p.{name}', *_relative_to(entry)))})"


def _get(entry: ProfileField | Counts | Flags) -> Iterator[str]:
    yield "if at >= end:"
    yield "    return at"
    match entry:
        case Counts(names):
            yield "mask, at = get_uint(buffer, at)"
            for bit, name in enumerate(names):
                yield f"if mask >> {bit} & 1:"
                yield f"    p.{name}, at = get_int(buffer, at)"
        case Flags(names):
            yield "mask, at = get_uint(buffer, at)"
            for bit, name in enumerate(names):
                yield f"p.{name} = (mask >> {bit} & 1) != 0"
        case ProfileField(name, "less", base):
            yield "less, at = get_int(buffer, at)"
            yield f"p.{name} = {base} - less"
        case ProfileField(name, kind):
            yield f"p.{name}, at = get_{kind}({', '.join(('buffer', 'at', *_relative_to(entry)))})"


def _relative_to(field: ProfileField) -> list[str]:
    return [getattr(field, argument) for argument in _ARGUMENTS.get(field.kind, ())]


def _function(name: str, arguments: str, lines: Iterator[str]) -> Callable[..., Any]:
    """Compile a function of these lines, which come from the table above and from nowhere else."""
    source = "\n".join([f"def {name}(p, buffer, {arguments}):", *(f"    {line}" for line in lines), "    return at"])
    room: dict[str, Any] = {"np": np, **{known: getattr(varint, known) for known in varint.__all__}}
    exec(compile(source, f"<{__name__}.{name}>", "exec"), room)  # noqa: S102
    compiled: Callable[..., Any] = jit_generated(room[name])
    return compiled


def _check() -> None:
    names = [name for entry in FIELDS for name in ([entry.name] if isinstance(entry, ProfileField) else entry.names)]
    unknown = set(names) - set(PROFILE.names or ())
    if unknown or len(names) != len(set(names)):
        raise ValueError(f"fields of a packed profile must be fields of PROFILE, each once: {sorted(unknown)}")


_check()

#: ``put_fields(p, buffer, at)``: write the fields of ``p``; return the position after them.
put_fields = _function("put_fields", "at", (line for entry in FIELDS for line in _put(entry)))
#: ``get_fields(p, buffer, at, end)``: read the fields that stand before ``end`` into ``p``, which was reset; return
#: the position after them.
get_fields = _function("get_fields", "at, end", (line for entry in FIELDS for line in _get(entry)))
