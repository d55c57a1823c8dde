"""Comments that wait for a judgement, by when it is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("due_ms IS NOT NULL")
    op.create_index(
        "ix_comments_due", "comments", ["due_ms"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    op.drop_index("ix_comments_due", "comments")
