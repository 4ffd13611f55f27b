"""Policies in files: who is alerted, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from stream.errors import SettingsError
from stream.notifications.config import Config
from stream.notifications.config_file import load
from stream.settings import Settings

__all__ = ["POLICY_SETTINGS", "Policy", "load_policy"]


class _AlertSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    alerts_per_week: float | None = None
    overdue_at: float | None = None
    raise_at: float | None = None
    clear_at: float | None = None
    cooldown_days: float | None = None
    min_purchases: int | None = None


class _PolicyFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    alerts: _AlertSettings = _AlertSettings()
    notify: str | None = None


#: Settings that a policy may set: they decide who is alerted, and change nothing that models learn.
POLICY_SETTINGS = _AlertSettings.__struct_fields__


@dataclass(frozen=True, slots=True)
class Policy:
    """``settings``: all of them, with those of the policy. ``notifying``: rules and channels, None: nobody is told."""

    settings: Settings
    notifying: Config | None

    def alerts_as(self, other: Policy) -> bool:
        """Whether both alert the same customers at the same times."""
        return self.settings == other.settings

    @property
    def chosen(self) -> dict[str, float]:
        """What decides who is alerted, by name."""
        return {name: getattr(self.settings, name) for name in POLICY_SETTINGS}


def load_policy(path: Path, settings: Settings) -> Policy:
    """The policy in a YAML file; what it does not name is as ``settings`` have it.

    ``alerts``: some of `POLICY_SETTINGS`. ``notify``: a notification file, found from where the policy is; its
    addresses are not used, so variables in them need not be set. Raises `SettingsError`.
    """
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
        found = msgspec.convert({} if raw is None else raw, _PolicyFile)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"the policy {path} cannot be read: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}; expected alerts with {', '.join(POLICY_SETTINGS)}, and notify") from None
    given: dict[str, Any] = msgspec.to_builtins(found.alerts)
    try:
        wanted = replace(settings, **given)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error
    notifying = None if found.notify is None else load(path.parent / found.notify, _Unset())
    return Policy(wanted, notifying)


class _Unset(Mapping[str, str]):
    """Variables of addresses that are not used."""

    def __getitem__(self, name: str) -> str:
        return f"json://{name.lower()}.invalid"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
