"""Whose export a table is: told by its columns."""

from collections.abc import Sequence
from typing import Final

from stream.imports.exports import EXPORTS
from stream.imports.mapping import Mapping
from stream.imports.names import compared

__all__ = ["SYSTEMS", "recognised"]

#: Systems that have a table here.
SYSTEMS: Final = tuple(dict.fromkeys(export.system for export in EXPORTS))


def recognised(header: Sequence[str], system: str = "") -> Mapping | None:
    """The mapping of the export whose columns `header` has, None if there is none; ``system``: of this one only.

    >>> recognised(["Name", "Email", "Financial Status", "Created at", "Total", "Lineitem name"]).title
    'Shopify, orders'
    """
    names: dict[str, str] = {}
    for name in header:
        names.setdefault(compared(name), name)
    fitting = [
        export
        for export in EXPORTS
        if system in ("", export.system) and all(required in names for required in export.requires)
    ]
    if not fitting:
        return None
    export = max(fitting, key=lambda export: len(export.requires))
    found = {
        field: names[name]
        for field, candidates in export.columns.items()
        for name in [next((name for name in candidates.split("|") if name in names), None)]
        if name is not None
    }
    return Mapping(
        system=export.system,
        title=export.title,
        content=export.content,
        amounts=export.amounts,
        usual_dates=export.usual_dates,
        timezone=export.timezone,
        sales=export.sales,
        items=export.items,
        columns=found,
    )
