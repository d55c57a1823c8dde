"""The queue's lists in the order in which comments came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index("row_id")


def downgrade() -> None:
    _index("created_ms")


def _index(column: str) -> None:
    for name, condition in (("held", "state = 'held'"), ("reported", "reports > 0")):
        where = sa.text(condition)
        op.drop_index(f"ix_comments_{name}", "comments")
        op.create_index(
            f"ix_comments_{name}",
            "comments",
            [column],
            sqlite_where=where,
            postgresql_where=where,
        )
