"""Every projection that there is, by name: a new one is a module and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from stream.errors import SettingsError
from stream.projections.activity import Activity
from stream.projections.arrivals import Arrivals
from stream.projections.channels import Channels
from stream.projections.classification import Classification
from stream.projections.complaints import Complaints
from stream.projections.consents import Consents
from stream.projections.flows import StageFlows
from stream.projections.fold import Fold
from stream.projections.identity import Identity
from stream.projections.leads import Leads
from stream.projections.offers import Offers
from stream.projections.points import Points
from stream.projections.protocol import Projection
from stream.projections.ratings import Ratings
from stream.projections.recommendations import Recommendations
from stream.projections.satisfaction import Satisfaction
from stream.projections.surveys import Surveys
from stream.projections.texts import Texts
from stream.settings import Settings

__all__ = ["PROJECTIONS", "names_of", "projections_of"]

PROJECTIONS: Final[Mapping[str, Callable[[Settings], Projection[Any]]]] = MappingProxyType(
    {
        one.name: one
        for one in (
            Activity,
            StageFlows,
            Satisfaction,
            Ratings,
            Surveys,
            Complaints,
            Channels,
            Identity,
            Arrivals,
            Texts,
            Classification,
            Leads,
            Recommendations,
            Offers,
            Points,
            Consents,
        )
    }
)


def names_of(settings: Settings) -> list[str]:
    """What the setting ``projections`` names, each once."""
    return [*dict.fromkeys(name.strip() for name in settings.projections.split(",") if name.strip())]


def projections_of(settings: Settings) -> list[Projection[Any]]:
    """The projections that the setting ``projections`` names. Raises `SettingsError` for a name that is none."""
    names = names_of(settings)
    if unknown := [name for name in names if name not in PROJECTIONS]:
        raise SettingsError(
            f"projections={settings.projections}: there is no {', '.join(unknown)}; there are {', '.join(PROJECTIONS)}"
        )
    found = [PROJECTIONS[name](settings) for name in names]
    if unsaid := [one.name for one in found if getattr(type(one), "release", None) in {None, Fold.release}]:
        raise SettingsError(
            f"the projection {', '.join(unsaid)} does not say what becomes of a person who is another one: it needs"
            " `release` (docs/projections.md)"
        )
    return found
