"""When a reader was first seen here; of those there are nobody knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("since_ms", sa.BigInteger()))


def downgrade() -> None:
    with op.batch_alter_table("people") as people:
        people.drop_column("since_ms")
