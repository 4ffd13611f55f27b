"""The declared event names (`stream.catalogue.events`) by what a record states."""

from types import MappingProxyType

from stream.catalogue.events import EVENT_NAMES, EventKind, EventType

__all__ = ["KIND_OF", "TYPE_OF_NAME", "VARIANT_OF", "EventKind", "EventType"]

#: ``(type, name) -> kind``.
KIND_OF = MappingProxyType(
    {(EventType(one.type), one.name): kind for kind, one in EVENT_NAMES.items() if not one.variant}
)

#: The type of an event that states none: no bare name belongs to two types, as the catalogue holds.
TYPE_OF_NAME = MappingProxyType(
    {name: event_type for (event_type, name), kind in KIND_OF.items() if not EVENT_NAMES[kind].is_typed}
)

#: ``(type, name) -> (flag, kind)``: an event with that flag set is of another kind, as an open by a machine.
VARIANT_OF = MappingProxyType(
    {(EventType(one.type), one.name): (one.variant, kind) for kind, one in EVENT_NAMES.items() if one.variant}
)
