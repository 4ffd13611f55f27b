"""Lists of customers that people look at again: what they filled in, under a name, for all users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Engine, delete, func, select

from stream.directory.database import insert_of, reading, writing
from stream.directory.desk.account_names import MAX_NAME_CHARS
from stream.directory.desk.desk_tables import filters
from stream.errors import SettingsError

__all__ = ["MAX_FILTERS", "SavedFilter", "SavedFilters"]

MAX_FILTERS: Final = 50
#: Of what is filled in.
MAX_CHARS: Final = 200
_decoder: Final = msgspec.json.Decoder(dict[str, str])


class SavedFilter(NamedTuple):
    """``fields``: what was filled in, by the names of the form."""

    name: str
    fields: Mapping[str, str]
    saved_by: str


class SavedFilters:
    """Every method raises `StorageError` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = insert_of(engine)

    def all(self) -> list[SavedFilter]:
        """By name."""
        with reading(self._engine) as connection:
            found = connection.execute(select(filters).order_by(filters.c.name))
            return [SavedFilter(row.name, _decoder.decode(row.fields), row.saved_by) for row in found]

    def save(self, name: str, fields: Mapping[str, str], by: str, now_ms: int) -> None:
        """Keep what is filled in, over what had the name. Raises `SettingsError` for an odd name, or for too many."""
        if any(len(text) > MAX_CHARS for text in fields.values()):
            raise SettingsError(f"expected at most {MAX_CHARS} characters in a field")
        if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise SettingsError(f"expected a name of 1 to {MAX_NAME_CHARS} characters")
        row = {"name": name, "fields": msgspec.json.encode(fields), "saved_by": by, "saved_ms": now_ms}
        with writing(self._engine) as connection:
            others = select(func.count()).select_from(filters).where(filters.c.name != name)
            if connection.execute(others).scalar_one() >= MAX_FILTERS:
                raise SettingsError(f"there are {MAX_FILTERS} lists already: remove one first")
            entering = self._insert(filters).values(**row)
            connection.execute(entering.on_conflict_do_update(index_elements=["name"], set_=row))

    def remove(self, name: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(filters).where(filters.c.name == name))
