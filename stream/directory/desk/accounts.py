"""Who may use the console, and which browsers are logged in."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from stream.catalogue.windows import HOUR_MS
from stream.directory.database import reading, writing
from stream.directory.desk.desk_tables import sessions, users
from stream.errors import SettingsError

__all__ = ["Account", "Accounts", "Role"]

#: A browser that is silent for so long, or logged in for so long, has to log in again.
_IDLE_MS: Final = 12 * HOUR_MS
_LONGEST_MS: Final = 7 * 24 * HOUR_MS
#: How often it is written down that a browser was seen.
_SEEN_EVERY_MS: Final = 60_000


class Role(StrEnum):
    """What a user may do; each may what the one before may. Viewers look, operators record, admins read the audit."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do what ``other`` may."""
        order = [*Role]
        return order.index(self) >= order.index(other)


class Account(NamedTuple):
    """A user, without the password. ``is_elsewhere``: a provider of OpenID Connect knows them."""

    name: str
    role: Role
    made_ms: int
    is_elsewhere: bool = False


class Accounts:
    """Users and sessions, on the engine of a `DeskStore`. Raises `StorageError` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, role: Role, password_hash: str, now_ms: int) -> None:
        """Raises `SettingsError` for a name that is taken."""
        try:
            with writing(self._engine) as connection:
                row = {"name": name, "role": role.value, "password_hash": password_hash, "made_ms": now_ms}
                connection.execute(users.insert().values(**row))
        except IntegrityError:
            raise SettingsError(f"there is a user {name!r} already") from None

    def enter(self, subject: str, name: str, role: Role, now_ms: int) -> None:
        """Let somebody be a user whom a provider knows as ``subject``, under the name and with the role of now.

        Raises `SettingsError` for a name that another user has.
        """
        try:
            with writing(self._engine) as connection:
                known = select(users.c.name, users.c.made_ms).where(users.c.subject == subject)
                before = connection.execute(known).one_or_none()
                if before is not None and before.name != name:
                    connection.execute(delete(sessions).where(sessions.c.name == before.name))
                row = {"name": name, "role": role.value, "subject": subject, "password_hash": ""}
                if before is not None:
                    connection.execute(update(users).where(users.c.subject == subject).values(**row))
                else:
                    connection.execute(users.insert().values(**row, made_ms=now_ms))
        except IntegrityError:
            raise SettingsError(f"there is another user {name!r} already") from None

    def remove(self, name: str) -> bool:
        """Remove a user and end their sessions; False when there is none."""
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.name == name))
            gone = delete(users).where(users.c.name == name).returning(users.c.name)
            return connection.execute(gone).first() is not None

    def all(self) -> list[Account]:
        """All users, by name."""
        with reading(self._engine) as connection:
            found = connection.execute(select(users).order_by(users.c.name))
            return [_account(row) for row in found]

    def has_users(self) -> bool:
        with reading(self._engine) as connection:
            return connection.execute(select(users.c.name).limit(1)).first() is not None

    def password_hash(self, name: str) -> str | None:
        """None for an unknown user."""
        with reading(self._engine) as connection:
            found: str | None = connection.execute(
                select(users.c.password_hash).where(users.c.name == name)
            ).scalar_one_or_none()
            return found

    def begin(self, secret: str, name: str, now_ms: int) -> None:
        """Log the browser with this cookie in, and forget sessions that are over."""
        with writing(self._engine) as connection:
            of = sessions.c
            over = (of.seen_ms < now_ms - _IDLE_MS) | (of.began_ms < now_ms - _LONGEST_MS)
            connection.execute(delete(sessions).where(over))
            row = {"secret_hash": _hash(secret), "name": name, "began_ms": now_ms, "seen_ms": now_ms}
            connection.execute(sessions.insert().values(**row))

    def of_session(self, secret: str, now_ms: int) -> Account | None:
        """Who uses the browser with this cookie; None for nobody, or a session that is over."""
        of, hashed = sessions.c, _hash(secret)
        query = select(users, of.seen_ms).join_from(sessions, users, of.name == users.c.name)
        live = (of.seen_ms >= now_ms - _IDLE_MS, of.began_ms >= now_ms - _LONGEST_MS)
        with reading(self._engine) as connection:
            row = connection.execute(query.where(of.secret_hash == hashed, *live)).one_or_none()
        if row is None:
            return None
        if row.seen_ms < now_ms - _SEEN_EVERY_MS:
            with writing(self._engine) as connection:
                connection.execute(update(sessions).where(of.secret_hash == hashed).values(seen_ms=now_ms))
        return _account(row)

    def end(self, secret: str) -> None:
        """Log the browser with this cookie out."""
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.secret_hash == _hash(secret)))


def _account(row: Row[Any]) -> Account:
    return Account(row.name, Role(row.role), row.made_ms, row.subject is not None)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
