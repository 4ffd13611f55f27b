"""The tables of the desk. A change here needs a migration in ``stream/directory/migrations/desk_versions``.

Times are ms since the epoch, UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

__all__ = ["METADATA", "actions", "audit", "filters", "notes", "sessions", "tokens", "users"]

METADATA: Final = MetaData()

#: What people recorded. ``record``: the action as the topic has it, published from ``publish_ms`` on;
#: ``claimed_ms``: since when it can no longer be undone; ``published_ms``: when Kafka confirmed it.
actions: Final = Table(
    "desk_actions",
    METADATA,
    Column("action_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("publish_ms", BigInteger, nullable=False),
    Column("claimed_ms", BigInteger),
    Column("published_ms", BigInteger),
)
Index("desk_actions_customer", actions.c.customer_id, actions.c.recorded_ms)
Index("desk_actions_publish", actions.c.published_ms, actions.c.publish_ms)

#: Who looks after a customer, and until when nobody wants to be reminded of them.
notes: Final = Table(
    "desk_notes",
    METADATA,
    Column("customer_id", Text, primary_key=True),
    Column("assigned_to", Text),
    Column("snoozed_until_ms", BigInteger),
)

#: Who may use the console. ``password_hash``: Argon2id in the PHC format; empty for who has none.
#: ``subject``: of whom a provider of OpenID Connect knows, its issuer and what it calls the account; else null.
users: Final = Table(
    "desk_users",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("subject", Text),
)
Index("desk_users_subject", users.c.subject, unique=True)

#: Browsers that are logged in. ``secret_hash``: SHA-256 of the cookie, hexadecimal.
sessions: Final = Table(
    "desk_sessions",
    METADATA,
    Column("secret_hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
)

#: What people saw and did. ``customer_id``: null where it is about nobody, or the customer has been erased.
audit: Final = Table(
    "desk_audit",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("customer_id", Text),
    Column("detail", Text),
)
Index("desk_audit_at", audit.c.at_ms)
Index("desk_audit_customer", audit.c.customer_id)

#: Programs that may use the API. ``token_hash``: SHA-256 of the token, hexadecimal; ``scopes``: separated by spaces.
tokens: Final = Table(
    "desk_tokens",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
)

#: Lists of customers under a name. ``fields``: what was filled in, a JSON object of texts.
filters: Final = Table(
    "desk_filters",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("fields", LargeBinary, nullable=False),
    Column("saved_by", Text, nullable=False),
    Column("saved_ms", BigInteger, nullable=False),
)
