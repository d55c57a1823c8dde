"""Whom nobody is any more: their tokens are refused, and nothing else is told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("mark", sa.String(43), primary_key=True),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("erased")
