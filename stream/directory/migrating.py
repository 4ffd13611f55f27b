"""Bringing the tables of a database to those of this version."""

from __future__ import annotations

from typing import Final, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from stream.directory.database import writing
from stream.errors import StorageError

__all__ = ["DESK", "DIRECTORY", "Tables", "is_newest", "newest_revision", "upgrade"]


class Tables(NamedTuple):
    """A set of tables with migrations of its own: a word for it, where these are, and the table of the revision."""

    what: str
    versions: str
    version_table: str


DIRECTORY: Final = Tables("directory", "stream.directory:migrations/versions", "directory_schema")
DESK: Final = Tables("desk of the console", "stream.directory:migrations/desk_versions", "desk_schema")
#: Of the lock under which PostgreSQL migrates; any number that nobody else uses.
_LOCK: Final = 7_301_845


def upgrade(engine: Engine, tables: Tables = DIRECTORY) -> None:
    """Apply the migrations that are missing, all or none. Raises `StorageError` for tables of a later version."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config = _config(tables, connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        present = _present(connection, tables)
        if present is not None and present not in known:
            later = f"the {tables.what} has tables of a later version ({present}): use that version, or newer"
            raise StorageError(later)
        command.upgrade(config, "head")


def is_newest(connection: Connection, tables: Tables = DIRECTORY) -> bool:
    """Whether `upgrade` has nothing to do."""
    return _present(connection, tables) == newest_revision(tables)


def newest_revision(tables: Tables = DIRECTORY) -> str:
    """The revision that `upgrade` leads to."""
    return ScriptDirectory.from_config(_config(tables)).get_current_head() or ""


def _config(tables: Tables, connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection, "tables": tables})
    config.set_main_option("script_location", "stream.directory:migrations")
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", tables.versions)
    return config


def _present(connection: Connection, tables: Tables) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": tables.version_table}).get_current_revision()
