"""Users whom a provider of OpenID Connect knows."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("desk_users", sa.Column("subject", sa.Text))
    op.create_index("desk_users_subject", "desk_users", ["subject"], unique=True)
