"""The churn models that learn side by side, by name, and how each does."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from stream.online_models.tally import RecentFigures

__all__ = ["ROSTER", "ContenderStanding"]

#: Contenders and their pace (see `ChurnModel`); the first is the champion until another is better.
ROSTER: Mapping[str, float] = MappingProxyType({"standard": 1.0, "quick": 5.0, "patient": 0.2})


class ContenderStanding(Struct, frozen=True, kw_only=True):
    """How one contender does. ``labels``: learned since it last began; ``restarts``: for drift."""

    name: str
    champion: bool
    labels: int
    restarts: int
    alarms: int
    recent: RecentFigures
