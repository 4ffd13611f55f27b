"""Programs that may use the API, and for what."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Row, delete, select
from sqlalchemy.exc import IntegrityError

from stream.directory.database import reading, writing
from stream.directory.desk.desk_tables import tokens
from stream.errors import SettingsError

__all__ = ["ApiToken", "ApiTokens", "Scope"]

_TOKEN_BYTES: Final = 32
#: So that scanners for secrets know one.
_PREFIX: Final = "stream_"


class Scope(StrEnum):
    """What a token is for: to read customers and figures, or to record actions and labels."""

    READ = "read"
    ACT = "act"


class ApiToken(NamedTuple):
    """A program that may use the API."""

    name: str
    scopes: frozenset[Scope]
    made_ms: int


class ApiTokens:
    """On the engine of a `DeskStore`. Raises `StorageError` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, scopes: Collection[Scope], now_ms: int) -> str:
        """Make a token; it is returned here and kept nowhere. Raises `SettingsError` for a name that is taken."""
        token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        row = {"name": name, "token_hash": _hash(token), "scopes": " ".join(sorted(scopes)), "made_ms": now_ms}
        try:
            with writing(self._engine) as connection:
                connection.execute(tokens.insert().values(**row))
        except IntegrityError:
            raise SettingsError(f"there is a token {name!r} already") from None
        return token

    def remove(self, name: str) -> bool:
        """Take a token back; False when there is none."""
        with writing(self._engine) as connection:
            gone = delete(tokens).where(tokens.c.name == name).returning(tokens.c.name)
            return connection.execute(gone).first() is not None

    def all(self) -> list[ApiToken]:
        """All tokens, by name."""
        with reading(self._engine) as connection:
            return [_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.name))]

    def find(self, token: str) -> ApiToken | None:
        """Whose token it is; None for one that is none."""
        with reading(self._engine) as connection:
            query = select(tokens).where(tokens.c.token_hash == _hash(token))
            row = connection.execute(query).one_or_none()
        return None if row is None else _token(row)


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(row.name, frozenset(map(Scope, row.scopes.split())), row.made_ms)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
