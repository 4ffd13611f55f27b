"""Who may use the console, and what they saw and did."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _ms(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    op.create_table(
        "desk_users",
        sa.Column("name", sa.Text, primary_key=True),
        _text("role"),
        _text("password_hash"),
        _ms("made_ms"),
    )
    op.create_table(
        "desk_sessions",
        sa.Column("secret_hash", sa.Text, primary_key=True),
        _text("name"),
        _ms("began_ms"),
        _ms("seen_ms"),
    )
    op.create_table(
        "desk_audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        _ms("at_ms"),
        _text("who"),
        _text("what"),
        sa.Column("customer_id", sa.Text),
        sa.Column("detail", sa.Text),
    )
    op.create_index("desk_audit_at", "desk_audit", ["at_ms"])
    op.create_index("desk_audit_customer", "desk_audit", ["customer_id"])
