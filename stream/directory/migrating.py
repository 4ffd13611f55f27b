"""Bringing the tables of a database to those of this version."""

from __future__ import annotations

from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from stream.directory.database import writing
from stream.errors import StorageError

__all__ = ["VERSION_TABLE", "is_newest", "newest_revision", "upgrade"]

VERSION_TABLE: Final = "directory_schema"
#: Of the lock under which PostgreSQL migrates; any number that nobody else uses.
_LOCK: Final = 7_301_845


def upgrade(engine: Engine) -> None:
    """Apply the migrations that are missing, all or none. Raises `StorageError` for tables of a later version."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config = _config(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        present = _present(connection)
        if present is not None and present not in known:
            raise StorageError(f"the directory has tables of a later version ({present}): use that version, or newer")
        command.upgrade(config, "head")


def is_newest(connection: Connection) -> bool:
    """Whether `upgrade` has nothing to do."""
    return _present(connection) == newest_revision()


def newest_revision() -> str:
    """The revision that `upgrade` leads to."""
    config = Config()
    config.set_main_option("script_location", "stream.directory:migrations")
    return ScriptDirectory.from_config(config).get_current_head() or ""


def _present(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "stream.directory:migrations")
    return config
