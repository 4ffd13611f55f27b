"""Actions, and who looks after whom."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.create_table(
        "desk_actions",
        sa.Column("action_id", sa.Text, primary_key=True),
        _text("customer_id"),
        _text("kind"),
        sa.Column("record", sa.LargeBinary, nullable=False),
        _text("recorded_by"),
        sa.Column("recorded_ms", sa.BigInteger, nullable=False),
        sa.Column("publish_ms", sa.BigInteger, nullable=False),
        sa.Column("claimed_ms", sa.BigInteger),
        sa.Column("published_ms", sa.BigInteger),
    )
    op.create_index("desk_actions_customer", "desk_actions", ["customer_id", "recorded_ms"])
    op.create_index("desk_actions_publish", "desk_actions", ["published_ms", "publish_ms"])
    op.create_table(
        "desk_notes",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("assigned_to", sa.Text),
        sa.Column("snoozed_until_ms", sa.BigInteger),
    )
