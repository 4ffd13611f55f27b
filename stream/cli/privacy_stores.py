"""Every store that may hold something of a person: what it has, and deleting it where no worker does.

Projections are all there: their protocol asks each for what it erases.
"""

from collections.abc import Collection, Mapping
from contextlib import closing
from typing import Any

import orjson

from stream.catalogue.identifiers import CUSTOMER
from stream.cli.data_files import contacts_file, contacts_of, ledger_if_any
from stream.cli.directory_at import directory_is_there, open_desk, open_directory
from stream.cli.kept_files import forget_kept
from stream.errors import StorageError
from stream.privacy.person_keys import PersonKeys
from stream.projections.all_projections import PROJECTIONS
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore
from stream.storage.privacy_desk import PrivacyDesk

__all__ = ["counted", "erase_directly", "ids_in_clear", "inventory", "projections_of_workers"]


def projections_of_workers(settings: Settings) -> list[tuple[str, int]]:
    """Name and version of each projection that workers may run."""
    return [(name, make(settings).version) for name, make in PROJECTIONS.items()]


def inventory(settings: Settings, ids: Collection[str]) -> dict[str, list[Any]]:
    """What every store has of ``ids``: things that can be written as JSON, by the name of the store.

    A store that is not in use here is left out. Raises `StorageError` when one is away.
    """
    found: dict[str, list[Any]] = {}
    versions = projections_of_workers(settings)
    with PrivacyDesk(settings) as desk:
        profiles = {one: desk.profile(one) for one in ids}
        found["profiles"] = [
            {"customer_id": one, "document": _json(of.document)} for one, of in profiles.items() if of.document
        ]
        found["timers"] = [
            {"customer_id": one, "due_ms": of.due_ms} for one, of in profiles.items() if of.due_ms is not None
        ]
        for name, make in PROJECTIONS.items():
            projection = make(settings)
            keys = [key for one in ids for key in projection.erase(one)]
            of_ids = [projection.erased_in(one) for one in ids]
            kept_in = None if None in of_ids else [key for of_id in of_ids for key in of_id or ()]
            states = desk.states_in(name, projection.version, keys, kept_in)
            found[f"projection {name}"] = [{"key": key, "state": _json(state)} for key, state in states.items()]
        found["former states of projections"] = [None] * desk.former(versions, ids, delete=False)
        found["models"] = [*desk.sampled(ids)]
        found["outboxes"] = [None] * desk.unpublished_about(ids, versions)
    with NotificationStore(settings) as notified:
        for one, known in zip(ids, notified.known([*ids]), strict=True):
            actions = [{"customer_id": one, "action": _json(record)} for record in known.actions.values()]
            held_out = [{"customer_id": one, "held_out": True}] if known.held_out else []
            told = [{"customer_id": one, "is_told": True}] if known.is_told else []
            found.setdefault("notifications", []).extend([*actions, *held_out, *told])
    if directory_is_there(settings):
        with open_directory(settings) as store, open_desk(settings) as console:
            found["directory"] = [_row(table, row) for one in ids for table, row in _rows(store.rows_of(one))]
            found["console"] = [_row(table, row) for one in ids for table, row in _rows(console.rows_of(one))]
    found["contacts"] = [{"customer_id": one, **_fields(of)} for one, of in contacts_of(settings, ids).items()]
    with ledger_if_any(settings) as ledger:
        if ledger is not None:
            found["imports"] = ledger.about(ids_in_clear(settings, ids))
    if (keys_of_persons := PersonKeys.of(settings)) is not None:
        with closing(keys_of_persons):
            found["keys"] = [{"customer_id": one} for one in keys_of_persons.known(ids)]
    return found


def ids_in_clear(settings: Settings, ids: Collection[str]) -> list[str]:
    """``ids``, and with `privacy_keys` the ids for which they stand."""
    keys = PersonKeys.of(settings)
    if keys is None:
        return [*ids]
    with closing(keys):
        return [*ids, *(one.clear.removeprefix(f"{CUSTOMER}:") for one in keys.known(ids).values())]


def counted(found: Mapping[str, Collection[Any]]) -> dict[str, int]:
    """How many things each store has."""
    return {store: len(things) for store, things in found.items()}


def erase_directly(settings: Settings, ids: Collection[str], up_to: int) -> None:
    """Delete what no worker deletes, by requests before the offset ``up_to``. Repeating it does no harm.

    Raises `StorageError`.
    """
    with PrivacyDesk(settings) as desk:
        desk.former(projections_of_workers(settings), ids, delete=True)
    with NotificationStore(settings) as notified:
        notified.forget([*ids])
    if directory_is_there(settings):
        with open_directory(settings) as store, open_desk(settings) as console:
            for one in ids:
                console.erase(one)
            store.erase(*ids, up_to=up_to)
    with contacts_file(settings) as contacts:
        for one in ids:
            contacts.forget(one)
    with ledger_if_any(settings) as ledger:
        if ledger is not None:
            ledger.forget(ids_in_clear(settings, ids))
    forget_kept()
    if (keys := PersonKeys.of(settings)) is not None:
        # the last: what was interrupted before finds the person again
        with closing(keys):
            keys.erase(ids, refuse=settings.erased_people == "refuse")


def _rows(tables: Mapping[str, list[dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [(table, row) for table, rows in tables.items() for row in rows]


def _row(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"table": table, **{name: _plain(value) for name, value in row.items()}}


def _plain(value: Any) -> Any:
    return _json(value) if isinstance(value, bytes) else value


def _fields(contact: Any) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in contact.__struct_fields__ if getattr(contact, name)}


def _json(stored: bytes | None) -> Any:
    try:
        return None if stored is None else orjson.loads(stored)
    except orjson.JSONDecodeError as error:
        raise StorageError(f"what is stored of a person cannot be read: {error}") from error
