"""Filters of sites and rooms; who is muted or shadowed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restrictions",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("room", sa.Text(), nullable=False, comment="empty: the whole site"),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", "person", "kind", "room"),
        comment="who may not write in a room, or isn't seen by others",
    )
    op.create_table(
        "filters",
        sa.Column(
            "room",
            sa.Text(),
            nullable=False,
            comment="a room's key; its site's with an empty name",
        ),
        sa.Column("filters", sa.Text(), nullable=False, comment="JSON: moderation.filters.Filters"),
        sa.PrimaryKeyConstraint("room"),
    )


def downgrade() -> None:
    op.drop_table("filters")
    op.drop_table("restrictions")
