"""The declared event names (`stream.catalogue.events`) by what a record states."""

from types import MappingProxyType

from stream.catalogue.events import EVENT_NAMES, EventKind, EventType

__all__ = ["KIND_OF", "VARIANT_OF", "EventKind", "EventType"]

#: ``(type, name) -> kind``.
KIND_OF = MappingProxyType(
    {(EventType(one.type), one.name): kind for kind, one in EVENT_NAMES.items() if not one.variant}
)

#: ``(type, name) -> (flag, kind)``: an event with that flag set is of another kind, as an open by a machine.
VARIANT_OF = MappingProxyType(
    {(EventType(one.type), one.name): (one.variant, kind) for kind, one in EVENT_NAMES.items() if one.variant}
)
